"""What an investigation is given of what happened around a scan."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from fleet.frames.frame import Frame
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.subject import Subject, SubjectKind
from storage.stores import Stores
from tasks.investigate import material_of
from tests.storage import entities


def test_a_storm_of_kills_pushes_no_rollout_out_of_sight(stores: Stores) -> None:
    window = entities.hours(0, 1)

    def changed(kind: ChangeKind, minute: float, name: str) -> Change:
        subject = Subject(cluster_id=entities.CLUSTER, kind=SubjectKind.WORKLOAD, name=name, namespace="shop")
        at = window.start + timedelta(minutes=minute)
        return Change(cluster_id=entities.CLUSTER, kind=kind, subject=subject, at=at, summary=name)

    kills = [changed(ChangeKind.OOM_KILL, 30, f"w{number}") for number in range(1100)]
    relabelled = [changed(ChangeKind.NODE_LABELS, 40, f"n{number}") for number in range(1100)]
    stores.changes.put([changed(ChangeKind.ROLLOUT, 10, "cart"), *kills, *relabelled])

    scan = entities.scan("scan-1", window)
    nothing = Frame(window.start, 30, [], np.empty((0, window.points(30)), dtype=np.float32))
    material = material_of(stores, scan, entities.CLUSTER, nothing, [], [], None)

    kinds = [change.kind for change in material.changes]
    assert kinds.count(ChangeKind.ROLLOUT) == 1
    assert kinds.count(ChangeKind.NODE_LABELS) == 1100
    assert kinds.count(ChangeKind.OOM_KILL) == 1000
