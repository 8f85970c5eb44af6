"""Changes for a reader: what happened alike to many things between two looks is one line, not hundreds."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from fleet.inventory.change import Change, ChangeKind

_NAMED_BY_SUBJECT = frozenset({ChangeKind.NODE_JOINED, ChangeKind.NODE_LEFT})
"""What was and what is are the subject's own name: no reason to tell two of them apart."""
_MOST_NAMES = 3


def told_together(changes: Iterable[Change]) -> list[Change]:
    """The changes in their order, those that are alike as the first of them, whose summary names and counts the rest.

    Alike are changes of one kind in one cluster, on things of one kind, from the same to the same, which the same two
    looks date. What an object dated itself stays as it is.
    """
    groups: dict[Hashable, list[Change]] = {}
    for change in changes:
        groups.setdefault(_likeness(change), []).append(change)
    return [_one(group) for group in groups.values()]


def _likeness(change: Change) -> Hashable:
    if change.not_before is None:
        return change.id
    moved = () if change.kind in _NAMED_BY_SUBJECT else (change.before, change.after)
    return (change.cluster_id, change.kind, change.subject.kind, change.not_before, change.at, moved)


def _one(group: list[Change]) -> Change:
    first, *rest = group
    if not rest:
        return first
    names = [each.subject.display for each in rest[:_MOST_NAMES]]
    left = len(rest) - len(names)
    told = ", ".join(names) + (f" and {left} more" if left else "")
    return first.model_copy(update={"summary": f"{first.summary}; likewise {told}"})
