"""Signals about volumes' operations and about Ceph, where OpenShift Data Foundation runs."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.signals.row import Catalogue, Row
from simulator.timeline import Timeline

STORAGE = Catalogue()


@STORAGE.signal("volume_op_errors", decimals=4)
def _volume_op_errors(timeline: Timeline) -> Iterator[Row]:
    for operation in ("unmount_device", "volume_mount", "volume_unmount"):
        yield Row({"operation_name": operation}, 0.0)


def _ceph(timeline: Timeline, level: float, wander: float = 0.0) -> Iterator[Row]:
    if timeline.layout.profile.storage:
        yield Row({"component": "ceph"}, level, wander=wander)


@STORAGE.signal("ceph_trouble", decimals=0)
def _ceph_trouble(timeline: Timeline) -> Iterator[Row]:
    return _ceph(timeline, 0.0)


@STORAGE.ratio("ceph_used_ratio")
def _ceph_used_ratio(timeline: Timeline) -> Iterator[Row]:
    return _ceph(timeline, 0.42, wander=0.003)


@STORAGE.signal("ceph_osds_down", decimals=0)
def _ceph_osds_down(timeline: Timeline) -> Iterator[Row]:
    return _ceph(timeline, 0.0)
