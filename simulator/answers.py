"""What an API answers, and refusals that end a request early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """A request below a cluster's API: the path there, the parameters of URL and form, and what else it brought.

    Header names are in lower case; of a header sent more than once, the values are joined by commas.
    """

    method: str
    path: str
    parameters: Mapping[str, list[str]]
    token: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def accept(self) -> str:
        """The media types that the client takes."""
        return self.headers.get("accept", "")

    def one(self, name: str, default: str = "") -> str:
        """The first value of a parameter."""
        return self.parameters.get(name, [default])[0]


@dataclass(frozen=True)
class Answer:
    """An answer; ``samples`` counts what it holds, for the control page."""

    status: int
    body: bytes
    content_type: str = JSON
    samples: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """Ends a request with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def json_answer(document: Any, status: int = 200) -> Answer:
    """A document as JSON."""
    return Answer(status, orjson.dumps(document))


def text_answer(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Plain text."""
    return Answer(status, text.encode(), TEXT, headers=headers or {})
