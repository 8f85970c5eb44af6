"""The labelled faults of a fleet as a document, for scoring."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from simulator.effects import Mode, effects_of
from simulator.faults import FOREVER, Fault
from simulator.layout import file_system
from simulator.options import FaultKind
from simulator.signals.nodes import EXPORTER_QUERIES
from simulator.timeline import Timeline


def rfc3339(at: float) -> str:
    """Unix seconds as RFC 3339 in UTC, whole seconds."""
    return _rfc3339(int(at))


@lru_cache(65_536)
def _rfc3339(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def truth_of(seed: int, anchor: float, timelines: Iterable[Timeline]) -> dict[str, Any]:
    """The document: anchor, seed, the names of the clusters, and every fault with place, time and cause.

    ``end`` is null for a fault that goes on; times are RFC 3339 in UTC.
    """
    clusters: list[str] = []
    faults: list[dict[str, Any]] = []
    for timeline in timelines:
        clusters.append(timeline.layout.cluster)
        faults += (_labelled(timeline, fault) for fault in timeline.story.faults)
    return {"anchor": rfc3339(anchor), "seed": seed, "clusters": clusters, "faults": faults}


def _labelled(timeline: Timeline, fault: Fault) -> dict[str, Any]:
    subject = _subject(timeline, fault)
    return {
        "id": fault.id,
        "cluster": fault.cluster,
        "kind": fault.kind.value,
        "start": rfc3339(fault.start),
        "end": None if fault.end == FOREVER else rfc3339(fault.end),
        "subject": subject,
        "queries": _queries(timeline, fault),
        "cause": {"kind": fault.kind.value, "subject": subject},
    }


def _subject(timeline: Timeline, fault: Fault) -> dict[str, Any]:
    if fault.workload is not None:
        return {"kind": "workload", "namespace": fault.workload.namespace, "name": fault.workload.name, "part": None}
    if fault.node is None:
        raise ValueError(f"{fault.id} has no place")
    if fault.kind is FaultKind.DISK_FILLING:
        part = file_system(fault.node, fault.device)
        return {"kind": "device", "namespace": None, "name": fault.node.name, "part": part}
    instance = timeline.layout.instance(fault.node)
    return {"kind": "component", "namespace": None, "name": "node-exporter", "part": instance, "node": fault.node.name}


def _queries(timeline: Timeline, fault: Fault) -> list[str]:
    """The ids of the pack's queries in which the fault shows, those that show it best first."""
    alone = Timeline(timeline.layout, timeline.story.only(fault, timeline.anchor), timeline.anchor)
    shown: list[str] = []
    for effect in effects_of(alone):
        if effect.query == "*":
            shown += EXPORTER_QUERIES
        elif effect.mode is not Mode.GAP and effect.query != "pods_not_ready":
            shown.append(effect.query)
    return list(dict.fromkeys(shown))
