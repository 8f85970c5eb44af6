"""Rollouts read from pod names alone, for where no cluster API answers: pods carry their ReplicaSet's hash."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import numpy as np

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

_Seen = tuple[int, int, SeriesKey, PackQuery]


def rollouts_in_names(scene: Scene) -> Iterator[tuple[Change, tuple[str, ...]]]:
    """Changes of ReplicaSet that the names of pods show, each with its evidence, in order of workload and time."""
    for (namespace, name), versions in sorted(_versions(scene).items()):
        subject = workload_subject(scene.cluster_id, (namespace, name))
        ordered = sorted(versions.items(), key=lambda each: (each[1][0], each[0]))
        for (old, was), (new, seen) in pairwise(ordered):
            if _replaces(scene, was, seen):
                yield _rollout(scene, subject, (old, was), (new, seen))


def _versions(scene: Scene) -> dict[tuple[str, str], dict[str, _Seen]]:
    """By workload and hash: first and last column with samples, and one series that shows them."""
    versions: defaultdict[tuple[str, str], dict[str, _Seen]] = defaultdict(dict)
    for row, key, query, subject in scene.series(Role.CONTAINER_CPU, Role.CONTAINER_MEMORY):
        match = _DEPLOYED.match(subject.name)
        columns = np.flatnonzero(np.isfinite(scene.material.frame.values[row]))
        if match is None or not columns.size:
            continue
        known = versions[subject.namespace or "", match["name"]]
        first, last = int(columns[0]), int(columns[-1])
        before = known.get(match["hash"])
        known[match["hash"]] = (
            (first, last, key, query)
            if before is None
            else (min(first, before[0]), max(last, before[1]), before[2], before[3])
        )
    return versions


def _replaces(scene: Scene, was: _Seen, seen: _Seen) -> bool:
    step = timedelta(seconds=scene.material.frame.step_seconds)
    appeared = seen[0] * step
    return appeared >= _SETTLED and abs(appeared - was[1] * step) <= _OVERLAP and was[0] < seen[0]


def _rollout(
    scene: Scene, subject: Subject, old: tuple[str, _Seen], new: tuple[str, _Seen]
) -> tuple[Change, tuple[str, ...]]:
    frame = scene.material.frame
    first, last, key, query = new[1]
    at = frame.time_at(first)
    summary = f"Pods of {named(subject)} with a new template hash {new[0]} (before {old[0]}) from {clock(at)}"
    change = Change(
        cluster_id=scene.cluster_id,
        kind=ChangeKind.ROLLOUT,
        subject=subject,
        at=at,
        summary=summary,
        source="names of pods in metrics",
    )
    window = Window(start=at, end=frame.time_at(last + 1))
    evidence = scene.book.series(query, key, window, subject=subject, summary=summary, values={})
    return change, (evidence,)
