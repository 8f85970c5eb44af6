"""What a scan saw of its clusters, of all signals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from fleet.findings.scan import Scan
from fleet.frames.coverage import Coverage, Signal
from fleet.frames.window import HISTORY_CHUNK, HISTORY_STEP_SECONDS, STEP_SECONDS, Window, history_window
from storage.coverage import STANDING
from storage.stores import Stores
from tasks.frames import COLLECTOR
from tasks.questions import NOBODY_ASKED, QUESTIONS

_KEYS = {NOBODY_ASKED, *(question.content_hash for question in QUESTIONS)}


def coverage_of(stores: Stores, scan: Scan, cluster_ids: Sequence[str]) -> Iterator[tuple[str, list[Coverage]]]:
    """The coverage of many clusters, one after the other in the order given: metrics first, then what else was asked.

    A cluster of which there is none has an empty list.
    """
    metrics = stores.coverage.by_cluster(
        scan.window, cluster_ids, collector=COLLECTOR, pack_hash=scan.pack.content_hash, step_seconds=STEP_SECONDS
    )
    others = stores.coverage.by_cluster(scan.window, cluster_ids, step_seconds=0)
    for (cluster_id, rows), (_, beside) in zip(metrics, others, strict=True):
        yield cluster_id, [*rows, *_of_scan(beside, scan.window)]


def history_of(stores: Stores, scan: Scan, cluster_ids: Sequence[str]) -> dict[str, timedelta]:
    """How much past each cluster's baselines rest on: the days that hold any series."""
    days = stores.coverage.stored(
        history_window(scan.window),
        cluster_ids,
        collector=COLLECTOR,
        pack_hash=scan.pack.content_hash,
        step_seconds=HISTORY_STEP_SECONDS,
    )
    return {cluster_id: count * HISTORY_CHUNK for cluster_id, count in days.items()}


def metrics_of(rows: Sequence[Coverage]) -> list[Coverage]:
    """The rows by which a cluster is graded."""
    return [row for row in rows if row.signal == Signal.METRICS]


def _of_scan(rows: Sequence[Coverage], window: Window) -> Iterator[Coverage]:
    """Those that tell of the window: of what is of a moment, the best look at the one at its end.

    That nobody was asked is told where nobody ever was, since an endpoint may have been registered meanwhile; and as
    the newest scan of all of the window knew it, since one of a part of it may have known less of the cluster.
    """
    own = [row for row in rows if row.pack_hash in _KEYS]
    asked = [row for row in own if row.endpoint and _tells_of(row, window)]
    known = {(row.signal, row.collector) for row in asked}
    unasked = [row for row in own if not row.endpoint and (row.signal, row.collector) not in known]
    moments = [row for row in asked if Signal(row.signal).of_a_moment]
    yield from (row for row in asked if not Signal(row.signal).of_a_moment)
    yield from _one_each(moments, lambda row: (STANDING[row.status], row.collected_at))
    yield from _one_each([row for row in unasked if _spans(row, window)], lambda row: row.collected_at)


def _one_each(rows: Sequence[Coverage], rank: Callable[[Coverage], Any]) -> Iterable[Coverage]:
    """Of each source the row that ranks highest."""
    best: dict[tuple[str, str], Coverage] = {}
    for row in sorted(rows, key=rank):
        best[row.signal, row.collector] = row
    return best.values()


def _tells_of(row: Coverage, window: Window) -> bool:
    return not Signal(row.signal).of_a_moment or row.window.start < window.end <= row.window.end


def _spans(row: Coverage, window: Window) -> bool:
    """Whether a row tells of all of a window, or of all that can be told of it."""
    if Signal(row.signal).of_a_moment:
        return _tells_of(row, window)
    return row.window.start <= window.start and window.end <= row.window.end
