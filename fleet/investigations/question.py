"""What an investigation is asked, and everything that it may look at: data only, nothing is fetched here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import Anomaly
from fleet.detectors.learnt import Learnt, learn
from fleet.findings.finding import Finding
from fleet.findings.incident import Incident
from fleet.frames.coverage import Coverage
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryPack
from fleet.frames.window import Window, history_window
from fleet.inventory.change import Change
from fleet.inventory.inventory import Inventory
from fleet.inventory.subject import Subject
from fleet.inventory.topology import Topology
from fleet.investigations.context import weak_deviations
from fleet.investigations.signals import Signals


@dataclass(frozen=True)
class Question:
    """What happened at ``place`` around ``at``?

    Attributes:
        place: a cluster, namespace, node, workload … or the subject of an incident.
        window: where evidence may be sought.
        incident_id: the incident asked about; None when a caller names a place and a time.
        fingerprints: the incident's findings.
    """

    cluster_id: str
    place: Subject
    at: datetime
    window: Window
    incident_id: str | None = None
    fingerprints: tuple[str, ...] = ()

    @classmethod
    def of_incident(cls, incident: Incident, window: Window) -> Self:
        """What caused this incident, with evidence sought in ``window``?"""
        return cls(
            cluster_id=incident.cluster_id,
            place=incident.subject,
            at=incident.started_at,
            window=window,
            incident_id=incident.id,
            fingerprints=tuple(sorted(incident.fingerprints)),
        )


@dataclass(frozen=True, eq=False)
class Material:
    """All that is known of one cluster. One object serves every question about the same scan: what is derived is kept.

    Attributes:
        frame: the scanned series, and what is stored of the hours before; columns may be empty that were never
            collected.
        history: what came before, on a coarser grid, or None; it may end before the frame starts, or overlap it. The
            last day before the frame is looked at; what is before that only serves to learn.
        findings: the scan's findings, in any order.
        inventory: what discovery saw; None for an ad-hoc Prometheus.
        coverage: what was seen and what was not; its rows name the stored chunks and the endpoint.
        changes: differences to the previous inventory; the inventory's own changes need not be repeated.
        now: the time that the investigation is dated with.
        unread: what is stored and could not be read, in words.
        learnt: what is usual, each part of it for all series of some queries; None where it is to be learnt from the
            history.
    """

    frame: Frame
    pack: QueryPack
    findings: Sequence[Finding]
    now: datetime
    history: Frame | None = None
    inventory: Inventory | None = None
    coverage: Sequence[Coverage] = field(default_factory=tuple)
    changes: Sequence[Change] = field(default_factory=tuple)
    unread: Sequence[str] = field(default_factory=tuple)
    learnt: Sequence[Learnt] | None = None

    @cached_property
    def topology(self) -> Topology:
        """What stands on what; names only where there is no inventory."""
        return Topology.of(self.inventory)

    @cached_property
    def signals(self) -> Signals:
        """The roles of the pack's queries."""
        return Signals.of(self.pack)

    @cached_property
    def context(self) -> list[Anomaly]:
        """Deviations at the most sensitive setting: too weak to be findings, telling when they fit a story.

        As a scan does it, the frame is judged by the days before, as a part of its own; columns are the frame's.
        """
        learnt = self.learnt
        if learnt is None:
            anew = learn(self.history, self.pack, history_window(self.frame.window).end)
            learnt = [] if anew is None else [anew]
        return weak_deviations(self.frame, self.history, learnt, self.pack)

    @cached_property
    def unseen(self) -> dict[str, list[Window]]:
        """The windows in which not all was seen of a query of the pack, by its id."""
        nothing = [row.window for row in self.coverage if not row.queries and not row.status.final]
        unseen = {query.id: list(nothing) for query in self.pack.queries}
        for row in self.coverage:
            for each in row.queries:
                if not each.status.final and each.query_id in unseen:
                    unseen[each.query_id].append(row.window)
        return unseen

    @property
    def knows_past(self) -> bool:
        """Whether what is usual is known from before the frame, and not from the frame alone."""
        return self.history is not None or bool(self.learnt)

    @cached_property
    def _rows(self) -> dict[int, dict[SeriesKey, int]]:
        frames = [self.frame, *([self.history] if self.history else [])]
        return {id(frame): {key: row for row, key in enumerate(frame.keys)} for frame in frames}

    def rows_of(self, frame: Frame) -> dict[SeriesKey, int]:
        """Row numbers of the series of ``frame`` or ``history``."""
        return self._rows[id(frame)]

    @cached_property
    def _observed(self) -> dict[int, npt.NDArray[np.bool_]]:
        frames = [self.frame, *([self.history] if self.history else [])]
        return {id(frame): np.asarray(np.isfinite(frame.values).any(axis=0)) for frame in frames}

    def observed(self, frame: Frame) -> npt.NDArray[np.bool_]:
        """Columns of ``frame`` or ``history`` in which any series has a sample; elsewhere it was us who saw nothing."""
        return self._observed[id(frame)]

    @cached_property
    def seen_from(self) -> datetime:
        """The time of the frame's first column that was observed; its start where none was."""
        columns = np.flatnonzero(self.observed(self.frame))
        return self.frame.time_at(int(columns[0])) if columns.size else self.frame.start

    @cached_property
    def dated_changes(self) -> list[Change]:
        """Every known change once, in order of time."""
        known = [*(self.inventory.changes if self.inventory else []), *self.changes]
        return sorted({change.id: change for change in known}.values(), key=lambda change: (change.at, change.id))
