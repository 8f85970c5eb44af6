"""Who manages which fields of an object: ``metadata.managedFields``, kept as sets of paths.

Field sets name leaves only. Lists are taken as a whole, save those of built-in kinds whose items have names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.kubernetes.meta import Object
from simulator.kubernetes.patches import merge_keys

Path = tuple[str, ...]
"""Elements as they stand in FieldsV1: ``f:data``, ``k:{"name":"c"}``, and ``.`` for the item itself."""
_NOT_MANAGED = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                "name",
                "namespace",
                "uid",
                "resourceVersion",
                "generation",
                "creationTimestamp",
                "deletionTimestamp",
                "deletionGracePeriodSeconds",
                "generateName",
                "managedFields",
            )
        ),
    }
)


@dataclass(frozen=True)
class Manager:
    """Who wrote, how (``Apply`` or ``Update``), in which version, and through which subresource."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    @property
    def conflict(self) -> str:
        """How a conflict with it is told."""
        return f"conflict {self._with}"

    @property
    def conflicts(self) -> str:
        """How several conflicts with it are told."""
        return f"conflicts {self._with}"

    @property
    def _with(self) -> str:
        return f'with "{self.name}"' + ("" if self.operation == "Apply" else f" using {self.api_version}")


Ownership = dict[Manager, set[Path]]


def leaves(document: Mapping[str, Any]) -> dict[Path, Any]:
    """The values at the ends of an object, by path, without those that no manager has."""
    found = dict(_leaves("", document, ()))
    return {path: value for path, value in found.items() if not {path[:1], path[:2]} & _NOT_MANAGED}


def _leaves(name: str, value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _leaves(key, each, (*path, f"f:{key}"))
        return
    keys = merge_keys(name, value) if isinstance(value, list) and value else ()
    if not keys or not all(isinstance(each, dict) and all(key in each for key in keys) for each in value):
        yield path, value
        return
    for each in value:
        element = "k:" + json.dumps({key: each[key] for key in keys}, separators=(",", ":"))
        yield (*path, element, "."), {key: each[key] for key in keys}
        for key, inner in each.items():
            yield from _leaves(key, inner, (*path, element, f"f:{key}"))


def ownership_of(item: Object) -> Ownership:
    """Who manages what, as an object's metadata says it."""
    found: Ownership = {}
    for entry in item["metadata"].get("managedFields") or ():
        manager = Manager(entry["manager"], entry["operation"], entry["apiVersion"], entry.get("subresource", ""))
        found[manager] = set(_paths(entry.get("fieldsV1") or {}, ()))
    return found


def _paths(fields: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for name, inner in fields.items():
        if inner:
            yield from _paths(inner, (*path, name))
        else:
            yield (*path, name)


def written_down(ownership: Ownership, before: Ownership, item: Object, now: str) -> None:
    """Writes into an object who manages what; times stay where nothing changed.

    Args:
        ownership: who manages what now.
        before: who did until now.
        item: the object, whose metadata still holds what it said until now.
        now: RFC 3339.
    """
    times = {
        Manager(each["manager"], each["operation"], each["apiVersion"], each.get("subresource", "")): each["time"]
        for each in item["metadata"].get("managedFields") or ()
    }
    entries = []
    for manager, paths in ownership.items():
        if not paths:
            continue
        time = times[manager] if manager in times and before.get(manager) == paths else now
        entry = {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": manager.api_version,
            "time": time,
            "fieldsType": "FieldsV1",
            "fieldsV1": _nested(paths),
        }
        entries.append(entry | ({"subresource": manager.subresource} if manager.subresource else {}))
    item["metadata"].pop("managedFields", None)
    if entries:
        item["metadata"]["managedFields"] = entries


def _nested(paths: Iterable[Path]) -> Object:
    root: Object = {}
    for path in sorted(paths):
        place = root
        for element in path:
            place = place.setdefault(element, {})
    return root


def taken_over(ownership: Ownership, manager: Manager, old: Object | None, new: Object) -> Ownership:
    """Who manages what after an update: what it changed is the manager's, and what it removed nobody's."""
    was, became = leaves(old) if old else {}, leaves(new)
    changed = {path for path, value in became.items() if path not in was or was[path] != value}
    result = {
        each: {path for path in paths if path in became and path not in changed} for each, paths in ownership.items()
    }
    if changed:
        result[manager] = result.get(manager, set()) | changed
    return result


def shown_path(path: Path) -> str:
    """A path as conflicts name it: ``.spec.containers[name="c"].image``."""
    text = ""
    for element in path:
        if element.startswith("k:"):
            keys = ",".join(f"{name}={json.dumps(value)}" for name, value in json.loads(element[2:]).items())
            text += f"[{keys}]"
        elif element != ".":
            text += f".{element[2:]}"
    return text
