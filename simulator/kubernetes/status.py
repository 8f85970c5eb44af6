"""Status objects: how the API server refuses, word for word."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from simulator.answers import RefusedError, json_answer


def status(code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> RefusedError:
    """A refusal with a Status body; ``details`` is left out where it is None."""
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
    }
    if details is not None:
        body["details"] = details
    return RefusedError(json_answer({**body, "code": code}, code))


def unauthorized() -> RefusedError:
    """A token that the server does not know."""
    return status(401, "Unauthorized", "Unauthorized")


def no_such_resource() -> RefusedError:
    """A path below a known group that names nothing."""
    return status(404, "NotFound", "the server could not find the requested resource", {})


def not_found(plural: str, group: str, name: str) -> RefusedError:
    """An object that is not there."""
    label = f"{plural}.{group}" if group else plural
    details = {"name": name, **({"group": group} if group else {}), "kind": plural}
    return status(404, "NotFound", f'{label} "{name}" not found', details)


def bad_request(message: str) -> RefusedError:
    """Parameters that cannot be read."""
    return status(400, "BadRequest", message)


@dataclass(frozen=True)
class Cause:
    """One fault of a document that is refused: the reason as the API names it, the field, and what is wrong."""

    reason: str
    field: str
    message: str


def invalid(kind: str, group: str, name: str, *causes: Cause) -> RefusedError:
    """A document that says something that cannot be (422)."""
    label = f"{kind}.{group}" if group else kind
    texts = [f"{cause.field}: {cause.message}" for cause in causes]
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = {key: value for key, value in (("name", name), ("group", group), ("kind", kind)) if value}
    listed = [{"reason": each.reason, "message": each.message, "field": each.field} for each in causes]
    return status(422, "Invalid", f'{label} "{name}" is invalid: {text}', {**details, "causes": listed})


def method_not_allowed() -> RefusedError:
    """A method that a path does not have."""
    return status(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def plain_failure(code: int, message: str) -> RefusedError:
    """A refusal without a reason, as the server has some."""
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
    return RefusedError(json_answer({**body, "code": code}, code))


def too_large(limit: int) -> RefusedError:
    """A body of more bytes than the server reads."""
    return status(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}")


def not_acceptable() -> RefusedError:
    """A form of answers that the server does not have."""
    types = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    return status(406, "NotAcceptable", f"only the following media types are accepted: {types}")


def too_new(revision: int, now: int) -> RefusedError:
    """A revision that lies ahead."""
    refused = status(
        504,
        "Timeout",
        f"Timeout: Too large resource version: {revision}, current: {now}",
        {
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        },
    )
    return RefusedError(replace(refused.answer, headers={"Retry-After": "1"}))


def already_exists(plural: str, group: str, name: str) -> RefusedError:
    """A new object by the name of another."""
    label = f"{plural}.{group}" if group else plural
    details = {"name": name, **({"group": group} if group else {}), "kind": plural}
    return status(409, "AlreadyExists", f'{label} "{name}" already exists', details)


def conflict(plural: str, group: str, name: str, why: str) -> RefusedError:
    """A write that builds on something that is no longer so."""
    label = f"{plural}.{group}" if group else plural
    details = {"name": name, **({"group": group} if group else {}), "kind": plural}
    return status(409, "Conflict", f'Operation cannot be fulfilled on {label} "{name}": {why}', details)
