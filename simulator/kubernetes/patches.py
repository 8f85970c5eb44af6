"""Patches: JSON merge patches (RFC 7386), JSON patches (RFC 6902), and strategic merge patches of built-in kinds."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.kubernetes.meta import Object
from simulator.kubernetes.status import bad_request, status

MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "addresses": ("type",),
    "conditions": ("type",),
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "secrets": ("name",),
    "taints": ("key",),
    "topologySpreadConstraints": ("topologyKey",),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
"""The fields by which the items of built-in lists are told apart, by the name of the list."""
_PRIMITIVE_SETS = frozenset({"finalizers"})


def merge_keys(name: str, items: Sequence[Any]) -> tuple[str, ...]:
    """The fields that tell a list's items apart; none for a list that is replaced as a whole."""
    if name == "ports":
        return ("containerPort",) if any("containerPort" in each for each in items) else ("port",)
    return MERGE_KEYS.get(name, ()) if all(isinstance(each, dict) for each in items) else ()


def merged(old: Any, patch: Any) -> Any:
    """A document with a JSON merge patch applied; neither is changed."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def patched(old: Object, operations: Any) -> Object:
    """A document with a JSON patch applied.

    Raises:
        RefusedError: it is no JSON patch (400), or an operation cannot be done (422).
    """
    result: Any = copy.deepcopy(old)
    if not isinstance(operations, list):
        raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    for operation in operations:
        try:
            result = _operate(result, operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            text = "the server rejected our request due to an error in our request"
            raise status(422, "Invalid", text, {}) from error
    if not isinstance(result, dict):
        raise bad_request("the patch makes something else of the object")
    return result


def _operate(document: Any, operation: Mapping[str, Any]) -> Any:
    kind, path = operation["op"], _pointer(operation["path"])
    if kind == "test":
        if _at(document, path) != operation["value"]:
            raise ValueError("test failed")
        return document
    if kind in {"move", "copy"}:
        source = _pointer(operation["from"])
        value = copy.deepcopy(_at(document, source))
        if kind == "move":
            document = _without(document, source)
        return _with(document, path, value, replace=False)
    if kind == "remove":
        return _without(document, path)
    if kind not in {"add", "replace"}:
        raise ValueError(kind)
    return _with(document, path, operation["value"], replace=kind == "replace")


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError(text)
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _at(document: Any, path: Sequence[str]) -> Any:
    for part in path:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def _with(document: Any, path: Sequence[str], value: Any, *, replace: bool) -> Any:
    if not path:
        return value
    place, last = _at(document, path[:-1]), path[-1]
    if isinstance(place, list):
        if replace:
            place[int(last)] = value
        else:
            place.insert(len(place) if last == "-" else _index(last, len(place)), value)
    elif replace and last not in place:
        raise KeyError(last)
    else:
        place[last] = value
    return document


def _index(text: str, length: int) -> int:
    index = int(text)
    if not 0 <= index <= length:
        raise IndexError(text)
    return index


def _without(document: Any, path: Sequence[str]) -> Any:
    place, last = _at(document, path[:-1]), path[-1]
    del place[int(last) if isinstance(place, list) else last]
    return document


def strategically_merged(old: Object, patch: Mapping[str, Any]) -> Object:
    """A built-in object with a strategic merge patch applied: lists of things with names merge by name.

    Known are ``$patch`` (replace, delete), ``$retainKeys``, ``$deleteFromPrimitiveList`` and ``$setElementOrder``.
    """
    if patch.get("$patch") == "replace":
        return {name: value for name, value in patch.items() if not name.startswith("$")}
    result = copy.deepcopy(old)
    if "$retainKeys" in patch:
        result = {name: value for name, value in result.items() if name in patch["$retainKeys"]}
    for name, value in patch.items():
        if name.startswith("$deleteFromPrimitiveList/"):
            own = name.partition("/")[2]
            result[own] = [each for each in result.get(own, []) if each not in value]
        elif name.startswith("$"):
            continue
        elif value is None:
            result.pop(name, None)
        else:
            result[name] = _strategic(name, result.get(name), value)
    for name, order in patch.items():
        if name.startswith("$setElementOrder/"):
            own = name.partition("/")[2]
            if isinstance(result.get(own), list):
                result[own] = _ordered(own, result[own], order)
    return result


def _strategic(name: str, old: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return strategically_merged(old if isinstance(old, dict) else {}, value)
    if not isinstance(value, list) or not isinstance(old, list):
        return _plain_items(value)
    if name in _PRIMITIVE_SETS:
        return [*old, *(each for each in value if each not in old)]
    keys = merge_keys(name, [*old, *value])
    if not keys or any(each.get("$patch") == "replace" for each in value):
        return _plain_items(value)
    return _merged_lists(old, value, keys)


def _plain_items(value: Any) -> Any:
    """A new value without the directives in it."""
    if isinstance(value, list):
        return [_plain_items(each) for each in value if not (isinstance(each, dict) and "$patch" in each)]
    return copy.deepcopy(value)


def _merged_lists(old: list[Object], value: list[Object], keys: tuple[str, ...]) -> list[Object]:
    result = copy.deepcopy(old)
    for each in value:
        at = next((at for at, own in enumerate(result) if _same(own, each, keys)), None)
        if each.get("$patch") == "delete":
            result = [own for own in result if not _same(own, each, keys)]
        elif at is None:
            result.append(strategically_merged({}, each))
        else:
            result[at] = strategically_merged(result[at], each)
    return result


def _same(first: Object, second: Object, keys: tuple[str, ...]) -> bool:
    return all(first.get(key) == second.get(key) for key in keys)


def _ordered(name: str, items: list[Any], order: list[Any]) -> list[Any]:
    """Items in the order that the patch gives; those that it does not name keep their places behind."""
    keys = merge_keys(name, order)

    def identity(item: Any) -> Any:
        return tuple(item.get(key) for key in keys) if keys else item

    places = {identity(each): place for place, each in enumerate(order)}
    return sorted(items, key=lambda item: places.get(identity(item), len(places)))
