"""Server-side apply: a manager says which fields it wants to have, and how."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from simulator.answers import RefusedError, json_answer
from simulator.kubernetes.fields import Manager, Ownership, Path, leaves, shown_path
from simulator.kubernetes.meta import Object
from simulator.kubernetes.patches import merge_keys

_KINDS = ("apiVersion", "kind")


def applied(
    live: Object, wanted: Object, manager: Manager, ownership: Ownership, *, force: bool
) -> tuple[Object, Ownership]:
    """An object with a manager's wishes in it, and who manages what then.

    Args:
        live: the object as it is; empty metadata and nothing else for a new one.
        wanted: what the manager applies.
        manager: who applies.
        ownership: who manages what until now.
        force: whether the fields of others are taken from them.

    Raises:
        RefusedError: others manage fields that it would change (409).
    """
    was, wishes = leaves(live), leaves(wanted)
    before = ownership.get(manager, set())
    conflicts = {
        other: clash
        for other, paths in ownership.items()
        if other != manager and (clash := {path for path in paths if path in wishes and was.get(path) != wishes[path]})
    }
    if conflicts and not force:
        raise _conflict(conflicts)
    result = _merged("", live, {name: value for name, value in wanted.items() if name not in _KINDS})
    others = {path for other, paths in ownership.items() if other != manager for path in paths}
    for path in sorted(before - set(wishes) - others):
        _drop(result, path)
    after = {other: paths - conflicts.get(other, set()) for other, paths in ownership.items()}
    after[manager] = set(wishes)
    return result, after


def _conflict(conflicts: Mapping[Manager, set[Path]]) -> RefusedError:
    causes = [
        {"reason": "FieldManagerConflict", "message": other.conflict, "field": shown_path(path)}
        for other, paths in conflicts.items()
        for path in sorted(paths)
    ]
    if len(causes) == 1:
        text = f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        listed = [
            "\n".join((f"{other.conflicts}:", *(f"- {shown_path(path)}" for path in sorted(paths))))
            for other, paths in conflicts.items()
        ]
        text = f"Apply failed with {len(causes)} conflicts: " + "\n".join(listed)
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": text,
        "reason": "Conflict",
        "details": {"causes": causes},
        "code": 409,
    }
    return RefusedError(json_answer(body, 409))


def _merged(name: str, old: Any, new: Any) -> Any:
    if isinstance(new, dict) and isinstance(old, dict):
        return {**old, **{key: _merged(key, old.get(key), value) for key, value in new.items()}}
    keys = merge_keys(name, [*old, *new]) if isinstance(new, list) and isinstance(old, list) and new else ()
    if not keys:
        return copy.deepcopy(new)
    result = list(old)
    for each in new:
        at = next((at for at, own in enumerate(result) if all(own.get(key) == each.get(key) for key in keys)), None)
        if at is None:
            result.append(copy.deepcopy(each))
        else:
            result[at] = _merged("", result[at], each)
    return result


def _drop(document: Any, path: Path) -> None:
    """Removes what a path leads to, if it is there, and what is left empty on the way to it."""
    element, rest = path[0], path[1:]
    if element == ".":
        return
    if element.startswith("k:"):
        _drop_item(document, element, rest)
        return
    key = element[2:]
    if not isinstance(document, dict) or key not in document:
        return
    if rest:
        _drop(document[key], rest)
        if document[key] in ({}, []):
            del document[key]
    else:
        del document[key]


def _drop_item(items: Any, element: str, rest: Path) -> None:
    keys = json.loads(element[2:])
    if not isinstance(items, list):
        return
    for each in list(items):
        if all(each.get(name) == value for name, value in keys.items()):
            if rest == (".",):
                items.remove(each)
            else:
                _drop(each, rest)
