"""Status objects: how the API server refuses, word for word."""

from __future__ import annotations

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
