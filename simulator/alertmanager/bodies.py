"""Bodies of requests, read and checked as Alertmanager's generated server does, with its codes and words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from simulator.answers import RefusedError, Request, json_answer

REQUIRED, WRONG_TYPE, TOO_FEW = 602, 601, 612


def refused(text: str, status: int = 400) -> RefusedError:
    """A refusal in plain words: a bare JSON string."""
    return RefusedError(json_answer(text, status))


def invalid(code: int, message: str, status: int = 422) -> RefusedError:
    """A refusal of what does not fit the API's description."""
    return RefusedError(json_answer({"code": code, "message": message}, status))


def read_body(request: Request, name: str) -> Any:
    """The JSON document of a body.

    Raises:
        RefusedError: it is of another media type (415) or no JSON (400).
    """
    media_type = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip()
    if media_type != "application/json":
        text = f'unsupported media type "{media_type}", only [application/json] are allowed'
        raise invalid(415, text, 415)
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise invalid(
            400, f'parsing {name} body from "" failed, because {_in_words_of_go(request.body)}', 400
        ) from error


def _in_words_of_go(body: bytes) -> str:
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return "EOF"
    if text.startswith("{") and text[1:2] not in {'"', "}", ""}:
        return f"invalid character '{text[1]}' looking for beginning of object key string"
    return "unexpected EOF"


def need(document: dict[str, Any], *names: str, place: str = "") -> None:
    """Refuses a document that lacks one of these."""
    for name in names:
        if document.get(name) is None:
            raise invalid(REQUIRED, f"{place}{name} in body is required")


def time_of(document: dict[str, Any], name: str, default: float) -> float:
    """A time (Unix seconds) of a document.

    Raises:
        RefusedError: it is none (422).
    """
    text = document.get(name)
    if text is None:
        return default
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError(text)
    except (ValueError, TypeError) as error:
        raise invalid(WRONG_TYPE, f"{name} in body must be of type date-time: {orjson.dumps(text).decode()}") from error
    return at.timestamp()
