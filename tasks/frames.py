"""Reading stored frames back for the steps that judge them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fleet.errors import CorruptObject
from fleet.findings.assess import ScanContext
from fleet.findings.scan import Scan
from fleet.frames.coverage import Coverage
from fleet.frames.frame import Frame
from fleet.frames.pack import QueryPack
from fleet.frames.window import HISTORY_CHUNK, HISTORY_STEP_SECONDS, STEP_SECONDS, Window, history_window
from fleet.inventory.topology import Topology
from storage.stored_frames import StoredFrames
from storage.stored_model import StoredModel
from storage.stores import Stores

COLLECTOR = "prometheus"
SIGNAL = "metrics"


@dataclass(frozen=True)
class StoredFrame:
    """A frame over a window and the coverage of its chunks; ``frame`` is None when no chunk holds any series."""

    frame: Frame | None
    coverage: list[Coverage]


@dataclass(frozen=True)
class StoredHistory:
    """What is stored of past days and can be read; ``gaps`` say what cannot."""

    frames: StoredFrames
    gaps: tuple[str, ...]


def context_of(
    scan: Scan, cluster_id: str, coverage: Sequence[Coverage], topology: Topology, model: StoredModel | None
) -> ScanContext:
    """What a scan knows beside the stored frames, and the learnt state that judges them.

    Args:
        scan: the scan.
        cluster_id: of the cluster.
        coverage: of all that was read: findings that began before the window cite what shows it.
        topology: of the cluster.
        model: the learnt state.
    """
    of_window = within(coverage, scan.window)
    return ScanContext(
        cluster_id=cluster_id,
        scan_id=scan.id,
        sensitivity=scan.sensitivity,
        object_keys=[(chunk.window, chunk.object_key) for chunk in coverage if chunk.object_key],
        endpoint=next((chunk.endpoint for chunk in of_window if chunk.endpoint), ""),
        topology=topology,
        coverage=of_window,
        model_version=model.version.version if model else None,
    )


def load_frame(stores: Stores, cluster_id: str, pack: QueryPack, window: Window, step_seconds: int) -> StoredFrame:
    """What is stored of a window."""
    frame, coverage = stores.frames.load(cluster_id, COLLECTOR, pack.content_hash, step_seconds, window)
    return StoredFrame(frame if frame.keys else None, coverage)


def within(coverage: Sequence[Coverage], window: Window) -> list[Coverage]:
    """The rows of the chunks that reach into a window."""
    return [chunk for chunk in coverage if chunk.window.overlaps(window)]


def open_window(stores: Stores, scan: Scan, cluster_id: str) -> StoredFrames:
    """What is stored of a scan's window, to be read some queries at a time; before a short one, of its day, too.

    Raises:
        CorruptObject: the window itself is damaged. Where the time before it is, so much less of it is read.
    """
    try:
        return _open_with_context(stores, scan, cluster_id)
    except CorruptObject:
        # What is damaged was struck out: nothing is read any more of it, nor of what is before it.
        rest = _open_with_context(stores, scan, cluster_id)
        if any(chunk.error == CorruptObject.__name__ for chunk in within(rest.coverage, scan.window)):
            raise
        return rest


def _open_with_context(stores: Stores, scan: Scan, cluster_id: str) -> StoredFrames:
    """The window, and before one of less than a day what is stored of the day on which it begins, without a hole.

    A day is judged from midnight on, as the days were of which it was learnt how high scores get.
    """
    window, pack_hash, midnight = scan.window, scan.pack.content_hash, history_window(scan.window).end
    if midnight < window.start and window.end - window.start < HISTORY_CHUNK:
        before = stores.coverage.list(
            Window(start=midnight, end=window.start),
            cluster_ids=[cluster_id],
            collector=COLLECTOR,
            pack_hash=pack_hash,
            step_seconds=STEP_SECONDS,
        )
        window = Window(start=max(_seen_since(before, window.start), midnight), end=window.end)
    return stores.frames.open(cluster_id, COLLECTOR, pack_hash, STEP_SECONDS, window)


def _seen_since(coverage: Sequence[Coverage], until: datetime) -> datetime:
    """From when on chunks with any series cover the time up to ``until`` without a hole."""
    for chunk in sorted(coverage, key=lambda each: each.window.end, reverse=True):
        if chunk.object_key and chunk.window.end >= until:
            until = min(until, chunk.window.start)
    return until


def open_history(stores: Stores, cluster_id: str, pack: QueryPack, past: Window) -> StoredHistory:
    """What is stored of past days, to be read some queries at a time.

    A day that is damaged is no reason to know nothing of the others: they serve, and what is left out is said.
    """
    try:
        frames = stores.frames.open(cluster_id, COLLECTOR, pack.content_hash, HISTORY_STEP_SECONDS, past)
    except CorruptObject:
        # What is damaged was struck out: this is the rest.
        frames = stores.frames.open(cluster_id, COLLECTOR, pack.content_hash, HISTORY_STEP_SECONDS, past)
    lost = [chunk.window.start for chunk in frames.coverage if chunk.error == CorruptObject.__name__]
    days = ", ".join(f"{start:%Y-%m-%d}" for start in lost)
    gap = f"the stored history of {days} is damaged and was left out; the next run asks the cluster for it again"
    return StoredHistory(frames, (gap,) if lost else ())
