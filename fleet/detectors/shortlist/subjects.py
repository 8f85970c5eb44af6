"""Which series of a frame tell of the same thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from fleet.frames.frame import SeriesKey
from fleet.frames.pack import QueryPack
from fleet.inventory.subject import Subject

SubjectOf = Callable[[SeriesKey], object]
"""What a series tells of, hashable: equal for series of one subject, None for a series that belongs to none."""


def rows_by_subject(subject_of: SubjectOf, keys: Sequence[SeriesKey], rows: Iterable[int]) -> dict[object, list[int]]:
    """Rows in order, by what their series tell of; those that belong to no subject are left out."""
    groups: dict[object, list[int]] = {}
    for row in rows:
        subject = subject_of(keys[row])
        if subject is not None:
            groups.setdefault(subject, []).append(row)
    return groups


def subjects_of(pack: QueryPack) -> SubjectOf:
    """Subjects as a pack's queries name them: a pod, a node, a device; None for series of other queries."""
    queries = {query.id: query for query in pack.queries}

    def subject(key: SeriesKey) -> Subject | None:
        query = queries.get(key.query_id)
        return None if query is None else query.subject_of("", key)

    return subject
