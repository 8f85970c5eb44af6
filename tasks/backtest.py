"""Replay stored days as if each were judged by what was known before it; nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from fleet.detectors.contract import Sensitivity
from fleet.detectors.second_looks import second_looks
from fleet.errors import CorruptObject
from fleet.findings.assess import ScanContext, findings_of
from fleet.findings.backtest import MissingDay, ReplayedDay
from fleet.frames.pack import QueryPack
from fleet.frames.window import (
    HISTORY_CHUNK,
    HISTORY_STEP_SECONDS,
    STEP_SECONDS,
    Window,
    floor_time,
    history_window,
)
from fleet.inventory.cluster import Cluster
from fleet.inventory.topology import Topology
from storage.stored_frames import StoredFrames
from storage.stores import Stores
from tasks.frames import COLLECTOR, open_history
from tasks.judging import judge
from tasks.learn import learnt_blocks
from tasks.looking import PastOnDemand

DAMAGED = "what was stored of it is damaged; the next scan asks the cluster for it again"
NOTHING_STORED = "nothing is stored of it"
NO_HISTORY = "no history is stored of the days before it"
IN_PARTS = "only parts of it are stored: those were judged"
_WHOLE = timedelta(hours=23)
"""What is stored of a day at 30 s is taken where no more than an hour of it is missing."""


def replay(
    stores: Stores, cluster: Cluster, pack: QueryPack, looks: Sequence[str], until: datetime, days: int
) -> Iterator[ReplayedDay | MissingDay]:
    """The last whole days (UTC) before a time, the earliest first; of a day in parts both are given.

    Args:
        looks: names of the detectors that look at the shortlist, as scans have them.
    """
    last = floor_time(until, HISTORY_CHUNK)
    topology = Topology.of(stores.inventories.latest(cluster.id))
    for back in range(days, 0, -1):
        day = Window.before(last - (back - 1) * HISTORY_CHUNK, HISTORY_CHUNK)
        try:
            yield from _day(stores, cluster, pack, looks, day, topology)
        except CorruptObject:
            yield MissingDay(cluster.name, day, DAMAGED)


def _day(
    stores: Stores, cluster: Cluster, pack: QueryPack, looks: Sequence[str], day: Window, topology: Topology
) -> Iterator[ReplayedDay | MissingDay]:
    stored, step_seconds = _finest(stores, cluster.id, pack, day)
    if not stored.queries:
        yield MissingDay(cluster.name, day, NOTHING_STORED)
        return
    history = open_history(stores, cluster.id, pack, history_window(day))
    yield from (MissingDay(cluster.name, day, gap) for gap in history.gaps)
    if not history.frames.queries:
        yield MissingDay(cluster.name, day, NO_HISTORY)
        return
    states = (
        (list(dict.fromkeys(key.query_id for key in state.keys)), state)
        for state, _ in learnt_blocks(history.frames, pack)
    )
    lookers = second_looks(looks, pack, PastOnDemand(lambda: history).of)
    judged = judge(stored, states, pack, list(Sensitivity), lookers)
    context = ScanContext(cluster.id, "", Sensitivity.MEDIUM, topology=topology, coverage=stored.coverage)
    held = _held(stored, day)
    if held < _WHOLE:
        yield MissingDay(cluster.name, day, IN_PARTS)
    yield ReplayedDay(
        cluster=cluster.name,
        window=Window.before(day.end, held),
        step_seconds=step_seconds,
        series=next(iter(judged.values())).series,
        findings={
            sensitivity: findings_of(found.anomalies, found.frame, pack, context)
            for sensitivity, found in judged.items()
        },
    )


def _finest(stores: Stores, cluster_id: str, pack: QueryPack, day: Window) -> tuple[StoredFrames, int]:
    """What is stored of a day at 30 s where that is nearly all of it, else of whichever grid there is more."""
    fine = _open(stores, cluster_id, pack, STEP_SECONDS, day)
    if _held(fine, day) >= _WHOLE:
        return fine, STEP_SECONDS
    coarse = _open(stores, cluster_id, pack, HISTORY_STEP_SECONDS, day)
    if _held(coarse, day) >= _held(fine, day):
        return coarse, HISTORY_STEP_SECONDS
    return fine, STEP_SECONDS


def _open(stores: Stores, cluster_id: str, pack: QueryPack, step_seconds: int, window: Window) -> StoredFrames:
    return stores.frames.open(cluster_id, COLLECTOR, pack.content_hash, step_seconds, window)


def _held(stored: StoredFrames, day: Window) -> timedelta:
    """How much of a day chunks with any series cover."""
    held, until = timedelta(0), day.start
    for chunk in sorted((each for each in stored.coverage if each.object_key), key=lambda each: each.window.start):
        start, end = max(chunk.window.start, until), min(chunk.window.end, day.end)
        if end > start:
            held, until = held + (end - start), end
    return held
