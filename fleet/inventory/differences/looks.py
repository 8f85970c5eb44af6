"""Two looks at one cluster: what both of them could see, and changes that lie between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.inventory import Inventory
from fleet.inventory.subject import Subject, SubjectKind

ThingT = TypeVar("ThingT")

GROUPS = "capabilities"
"""The part that tells which API groups there are: without it nobody knows whether something is gone or not seen."""
DIFFERENCE = "difference of two inventories"


@dataclass(frozen=True)
class Looks:
    """An inventory and a later one of the same cluster."""

    before: Inventory
    after: Inventory

    def pairs(
        self, things: Callable[[Inventory], Iterable[ThingT]], key: Callable[[ThingT], str]
    ) -> list[tuple[str, ThingT | None, ThingT | None]]:
        """Every thing of either look by its key, in the keys' order; None where a look has it not."""
        old = {key(thing): thing for thing in things(self.before)}
        new = {key(thing): thing for thing in things(self.after)}
        return [(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())]

    def both(
        self, things: Callable[[Inventory], Iterable[ThingT]], key: Callable[[ThingT], str]
    ) -> list[tuple[str, ThingT, ThingT]]:
        """The things that both looks have."""
        return [(name, old, new) for name, old, new in self.pairs(things, key) if old is not None and new is not None]

    def change(
        self,
        kind: ChangeKind,
        subject: Subject,
        summary: str,
        moved: tuple[str, str],
        *,
        at: datetime | None = None,
        source: str = "",
    ) -> Change:
        """A change between the looks.

        Args:
            kind: of the change.
            subject: what changed.
            summary: in words.
            moved: what was and what is.
            at: when, as the object tells it; a time that does not lie between the looks tells of something else.
            source: the object that told the time.
        """
        told = at if at is not None and self.before.observed_at < at <= self.after.observed_at else None
        return Change(
            cluster_id=self.after.cluster_id,
            kind=kind,
            subject=subject,
            at=told or self.after.observed_at,
            summary=summary,
            before=moved[0],
            after=moved[1],
            not_before=None if told else self.before.observed_at,
            source=source if told and source else DIFFERENCE,
        )

    def subject(self, kind: SubjectKind, name: str = "", *, namespace: str | None = None, part: str = "") -> Subject:
        """A thing of the cluster."""
        return Subject(
            cluster_id=self.after.cluster_id, kind=kind, name=name, namespace=namespace or None, part=part or None
        )


def seen(inventory: Inventory, *parts: str) -> bool:
    """Whether parts were read whole: what is not in them then is not there."""
    return not any(gap.part in parts for gap in inventory.gaps)
