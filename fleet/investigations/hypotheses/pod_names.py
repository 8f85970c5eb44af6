"""Rollouts read from pod names alone, for where no cluster API answers: pods carry their ReplicaSet's hash."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from fleet.frames.frame import SeriesKey
from fleet.frames.pack import PackQuery
from fleet.frames.window import Window
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.subject import Subject
from fleet.investigations.graph import workload_subject
from fleet.investigations.scene import Scene
from fleet.investigations.signals import Role
from fleet.investigations.wording import clock, named

_DEPLOYED = re.compile(r"^(?P<name>.+)-(?P<hash>[bcdfghjklmnpqrstvwxz2456789]{5,10})-[bcdfghjklmnpqrstvwxz2456789]{5}$")
"""Kubernetes makes hashes and suffixes of these letters and digits only (k8s.io/apimachinery, util/rand)."""
_SETTLED = timedelta(minutes=10)
_OVERLAP = timedelta(minutes=30)

_Presence = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Version:
    """One template of a workload: when any of its pods had samples, and the series of its pods by row."""

    template: str
    present: _Presence
    series: tuple[tuple[int, SeriesKey, PackQuery], ...]

    def edges(self, direction: int) -> list[int]:
        """Columns at which it appeared (+1) or was seen last (-1)."""
        changes = np.diff(self.present.astype(np.int8))
        return [int(column) + (direction > 0) for column in np.flatnonzero(changes == direction)]


def rollouts_in_names(scene: Scene) -> Iterator[tuple[Change, tuple[str, ...]]]:
    """Changes of template that the names of pods show, each with its evidence, in order of workload and time."""
    step = timedelta(seconds=scene.material.frame.step_seconds)
    for (namespace, name), versions in sorted(_versions(scene).items()):
        subject = workload_subject(scene.cluster_id, (namespace, name))
        rollouts = {
            column: (old, new)
            for new in versions
            for column in new.edges(+1)
            if column * step >= _SETTLED
            for old in versions
            if old is not new and any(abs(column - gone) * step <= _OVERLAP for gone in old.edges(-1))
        }
        for column, (old, new) in sorted(rollouts.items()):
            yield _rollout(scene, subject, column, (old, new))


def _versions(scene: Scene) -> dict[tuple[str, str], list[_Version]]:
    """The templates of every workload whose pods' names carry one."""
    versions: defaultdict[tuple[str, str], dict[str, _Version]] = defaultdict(dict)
    for row, key, query, subject in scene.series(Role.CONTAINER_CPU, Role.CONTAINER_MEMORY):
        match = _DEPLOYED.match(subject.name)
        if match is None:
            continue
        present = np.isfinite(scene.material.frame.values[row])
        known = versions[subject.namespace or "", match["name"]]
        before = known.get(match["hash"])
        known[match["hash"]] = (
            _Version(match["hash"], present, ((row, key, query),))
            if before is None
            else _Version(match["hash"], before.present | present, (*before.series, (row, key, query)))
        )
    return {workload: list(known.values()) for workload, known in versions.items() if len(known) > 1}


def _rollout(
    scene: Scene, subject: Subject, column: int, versions: tuple[_Version, _Version]
) -> tuple[Change, tuple[str, ...]]:
    frame, (old, new) = scene.material.frame, versions
    at = frame.time_at(column)
    summary = (
        f"Pods of {named(subject)} with a new template hash {new.template} (before {old.template}) from {clock(at)}"
    )
    change = Change(
        cluster_id=scene.cluster_id,
        kind=ChangeKind.ROLLOUT,
        subject=subject,
        at=at,
        summary=summary,
        source="names of pods in metrics",
    )
    window = Window(
        start=at, end=frame.time_at(min(column + 1 + int(_OVERLAP.total_seconds()) // frame.step_seconds, frame.points))
    )
    key, query = next((key, query) for row, key, query in new.series if np.isfinite(frame.values[row, column]))
    evidence = scene.book.series(query, key, window, subject=subject, summary=summary, values={})
    return change, (evidence,)
