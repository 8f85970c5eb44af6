"""Reading stored frames back for the steps that judge them."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.findings.assess import ScanContext
from fleet.findings.scan import Scan
from fleet.frames.coverage import Coverage
from fleet.frames.frame import Frame
from fleet.frames.pack import QueryPack
from fleet.frames.window import HISTORY_STEP_SECONDS, STEP_SECONDS, Window, history_window
from fleet.inventory.topology import Topology
from storage.stores import Stores

COLLECTOR = "prometheus"
SIGNAL = "metrics"


@dataclass(frozen=True)
class StoredFrame:
    """A frame over a window and the coverage of its chunks; ``frame`` is None when no chunk holds any series."""

    frame: Frame | None
    coverage: list[Coverage]

    @property
    def endpoint(self) -> str:
        """The address that was asked."""
        return next((coverage.endpoint for coverage in self.coverage if coverage.endpoint), "")


def context_of(scan: Scan, cluster_id: str, stored: StoredFrame, topology: Topology) -> ScanContext:
    """What a scan knows beside a stored frame."""
    return ScanContext(
        cluster_id=cluster_id,
        scan_id=scan.id,
        sensitivity=scan.sensitivity,
        object_keys=[(chunk.window, chunk.object_key) for chunk in stored.coverage if chunk.object_key],
        endpoint=stored.endpoint,
        topology=topology,
        coverage=stored.coverage,
    )


def load_frame(stores: Stores, cluster_id: str, pack: QueryPack, window: Window, step_seconds: int) -> StoredFrame:
    """What is stored of a window."""
    frame, coverage = stores.frames.load(cluster_id, COLLECTOR, pack.content_hash, step_seconds, window)
    return StoredFrame(frame if frame.keys else None, coverage)


def load_window(stores: Stores, scan: Scan, cluster_id: str) -> StoredFrame:
    """What is stored of a scan's window."""
    return load_frame(stores, cluster_id, scan.pack, scan.window, STEP_SECONDS)


def load_history(stores: Stores, scan: Scan, cluster_id: str) -> Frame | None:
    """What is stored of the days before a scan's window, or None."""
    return load_frame(stores, cluster_id, scan.pack, history_window(scan.window), HISTORY_STEP_SECONDS).frame
