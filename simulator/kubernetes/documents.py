"""Documents that clients send, and the options beside them."""

from __future__ import annotations

import json
from typing import Any

import orjson
import yaml

from simulator.answers import Request
from simulator.kubernetes.meta import Object
from simulator.kubernetes.protobuf import MEDIA_TYPE, read_protobuf
from simulator.kubernetes.status import Cause, bad_request, invalid, status

JSON_TYPES = frozenset({"", "application/json"})
YAML_TYPES = frozenset({"application/yaml", "application/apply-patch+yaml"})
_ACCEPTED = f"application/json, application/yaml, {MEDIA_TYPE}"
_OPTIONS = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}


def media_type(request: Request) -> str:
    """The media type of a request's body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def unsupported(accepted: str) -> Exception:
    """A body in a form that the server does not read (415)."""
    text = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return status(415, "UnsupportedMediaType", text)


def document_of(request: Request, kind: str) -> Object:
    """The object in a request's body.

    Raises:
        RefusedError: it is in no known form (415), or no object (400).
    """
    media = media_type(request)
    if media == MEDIA_TYPE:
        return _from_protobuf(request.body)
    if media not in JSON_TYPES | YAML_TYPES:
        raise unsupported(_ACCEPTED)
    try:
        found: Any = yaml.safe_load(request.body) if media in YAML_TYPES else orjson.loads(request.body)
    except (orjson.JSONDecodeError, yaml.YAMLError) as error:
        raise _unreadable(request.body, kind) from error
    if not isinstance(found, dict):
        raise _unreadable(request.body, kind)
    return found


def _from_protobuf(body: bytes) -> Object:
    try:
        found = read_protobuf(body)
    except ValueError as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error
    if found is None:
        raise unsupported("application/json, application/yaml")
    return found


def _unreadable(body: bytes, kind: str) -> Exception:
    said = body.decode("utf-8", "replace") or "<empty>"
    why = f"couldn't get version/kind; json parse error: unexpected end of JSON input ({said})"
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {why}")


def is_dry(request: Request, verb: str, options: Object | None = None) -> bool:
    """Whether nothing shall be stored.

    Args:
        request: with ``dryRun``.
        verb: as rights name it.
        options: the DeleteOptions of a deletion.

    Raises:
        RefusedError: ``dryRun`` is something else than ``All`` (422).
    """
    wanted = request.parameters.get("dryRun") or (options or {}).get("dryRun") or []
    if any(each != "All" for each in wanted):
        shown = ", ".join(json.dumps(each) for each in wanted)
        text = f'Unsupported value: []string{{{shown}}}: supported values: "All"'
        kind = _OPTIONS.get(verb, "DeleteOptions")
        raise invalid(kind, "meta.k8s.io", "", Cause("FieldValueNotSupported", "dryRun", text))
    return bool(wanted)


def field_manager(request: Request) -> str:
    """Who writes, for the fields' ownership: as the client says, else the name of its program."""
    return request.one("fieldManager") or request.headers.get("user-agent", "").partition("/")[0] or "unknown"
