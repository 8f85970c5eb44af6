"""What a scan saw of its clusters, of all signals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleet.findings.scan import Scan
from fleet.frames.coverage import Coverage, Signal
from fleet.frames.window import STEP_SECONDS, Window
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


def metrics_of(rows: Sequence[Coverage]) -> list[Coverage]:
    """The rows by which a cluster is graded."""
    return [row for row in rows if row.signal == Signal.METRICS]


def _of_scan(rows: Sequence[Coverage], window: Window) -> Iterator[Coverage]:
    """Those that tell of the window: of what is of a moment, the one at its end.

    That nobody was asked is told where nobody ever was: an endpoint may have been registered since.
    """
    own = [row for row in rows if row.pack_hash in _KEYS and _tells_of(row, window)]
    asked = {(row.signal, row.collector) for row in own if row.endpoint}
    return (row for row in own if row.endpoint or (row.signal, row.collector) not in asked)


def _tells_of(row: Coverage, window: Window) -> bool:
    return not Signal(row.signal).of_a_moment or row.window.start < window.end <= row.window.end
