"""Custom resources against their structural schema: unknown fields go, and what is left is checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from simulator.kubernetes.status import Cause

Schema = Mapping[str, Any]
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_OWN_FIELDS = frozenset({"apiVersion", "kind", "metadata"})
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


def pruned(value: Any, schema: Schema, *, root: bool = True) -> Any:
    """A value without the fields that its schema does not know; defaults of the schema are filled in."""
    if isinstance(value, list):
        return [pruned(each, schema.get("items") or {}, root=False) for each in value]
    if not isinstance(value, dict):
        return value
    known, further = schema.get("properties") or {}, schema.get("additionalProperties")
    keeps = schema.get(_PRESERVE) or further is True or ("properties" not in schema and further is None and not schema)
    result = {}
    for name, each in value.items():
        if root and name in _OWN_FIELDS:
            result[name] = each
        elif name in known:
            result[name] = pruned(each, known[name], root=False)
        elif isinstance(further, dict):
            result[name] = pruned(each, further, root=False)
        elif keeps:
            result[name] = each
    for name, own in known.items():
        if name not in result and "default" in own:
            result[name] = own["default"]
    return result


def faults(value: Any, schema: Schema, path: str = "", *, root: bool = True) -> Iterator[Cause]:
    """What is wrong with a value, as the API server says it."""
    if value is None and schema.get("nullable"):
        return
    kind = schema.get("type")
    if kind and not schema.get("x-kubernetes-int-or-string") and not _TYPES[kind](value):
        found = next((name for name, is_type in _TYPES.items() if is_type(value)), "null")
        text = f"{path} in body must be of type {kind}: {_shown(found)}"
        yield Cause("FieldValueTypeInvalid", path or "<nil>", f"Invalid value: {_shown(found)}: {text}")
        return
    if isinstance(value, dict):
        yield from _object_faults(value, schema, path, root=root)
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from faults(each, schema.get("items") or {}, f"{path}[{at}]", root=False)
    else:
        yield from _scalar_faults(value, schema, path)


def _object_faults(value: dict[str, Any], schema: Schema, path: str, *, root: bool) -> Iterator[Cause]:
    known, further = schema.get("properties") or {}, schema.get("additionalProperties")
    for name, each in value.items():
        if root and name in _OWN_FIELDS:
            continue
        inner = known.get(name, further if isinstance(further, dict) else None)
        if inner is not None:
            yield from faults(each, inner, f"{path}.{name}".lstrip("."), root=False)
    for name in schema.get("required") or ():
        if name not in value:
            yield Cause("FieldValueRequired", f"{path}.{name}".lstrip("."), "Required value")


def _scalar_faults(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    allowed = schema.get("enum")
    if allowed and value not in allowed:
        listed = ", ".join(_shown(each) for each in allowed)
        yield Cause("FieldValueNotSupported", path, f"Unsupported value: {_shown(value)}: supported values: {listed}")
    for rule, holds, words in _LIMITS:
        if rule in schema and _measurable(rule, value) and not holds(value, schema[rule]):
            said = f"{path} in body should be {words} {_plain(schema[rule])}"
            yield Cause("FieldValueInvalid", path, f"Invalid value: {_shown(value)}: {said}")


def _measurable(rule: str, value: Any) -> bool:
    return isinstance(value, str) if rule in {"pattern", "minLength", "maxLength"} else _TYPES["number"](value)


_LIMITS: tuple[tuple[str, Callable[[Any, Any], bool], str], ...] = (
    ("maximum", lambda value, limit: value <= limit, "less than or equal to"),
    ("minimum", lambda value, limit: value >= limit, "greater than or equal to"),
    ("maxLength", lambda value, limit: len(value) <= limit, "at most as long as"),
    ("minLength", lambda value, limit: len(value) >= limit, "at least as long as"),
    ("pattern", lambda value, limit: re.search(limit, value) is not None, "matching"),
)


def _plain(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
