"""Learn: what is usual for a cluster's series, from its stored history, once for all scans of a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
from prefect import task

from blocks.stores import open_stores
from fleet.detectors.learning_quality import quality_of
from fleet.detectors.learnt import learn_in_parts
from fleet.detectors.learnt_state import state_of
from fleet.detectors.model_version import ModelVersion, QueryQuality, Training
from fleet.detectors.trained_state import TrainedState
from fleet.detectors.vanished import last_seen, with_last_seen
from fleet.errors import CorruptObject
from fleet.findings.scan import Scan
from fleet.frames.coverage import Coverage
from fleet.frames.frame import Frame
from fleet.frames.frame_blocks import Block, blocks_of, whole_queries
from fleet.frames.pack import QueryPack
from fleet.frames.window import HISTORY_STEP_SECONDS, Window, history_window
from storage.stored_frames import StoredFrames
from storage.stored_model import StoredModel
from storage.stores import Stores
from tasks.computing import COMPUTING
from tasks.frames import COLLECTOR, open_history
from tasks.outcome import ClusterOutcome, Stage
from tasks.policy import STEP


@task(name="learn_baselines", task_run_name="learn-{cluster_id}", **STEP)
def learn_baselines(scan_id: str, cluster_id: str) -> ClusterOutcome:
    """See to it that there is learnt state by which the scan's window can be judged."""
    stores = open_stores()
    scan, cluster = stores.scans.get(scan_id), stores.clusters.get(cluster_id)
    version, gaps = model_for(stores, scan, cluster.id)
    counts = {"learnt": version.series} if version else {}
    return ClusterOutcome(Stage.LEARN, cluster.id, cluster.name, seen=version is not None, gaps=gaps, counts=counts)


def model_for(
    stores: Stores, scan: Scan, cluster_id: str, since: datetime | None = None
) -> tuple[ModelVersion | None, tuple[str, ...]]:
    """The version by which a scan's window is judged: one that fits, or a new one. None without any history.

    The history itself is read only where a new one is learnt: what of it could not be read is said beside it.

    Args:
        stores: where versions lie.
        scan: the scan.
        cluster_id: of the cluster.
        since: from when on is judged, where that is before the window. A version that ends before it is preferred, so
            that nothing is judged by itself; none is learnt for that.
    """
    windows = [scan.window] if since is None else [Window(start=since, end=scan.window.end), scan.window]
    chosen = next((each for window in windows if (each := _stored(stores, scan, cluster_id, window))), None)
    return (chosen, ()) if chosen else learn_version(stores, scan, cluster_id)


def _stored(stores: Stores, scan: Scan, cluster_id: str, window: Window) -> ModelVersion | None:
    """The version by which a window may be judged; None where one has to be learnt."""
    rows = stores.coverage.list(
        history_window(window),
        cluster_ids=[cluster_id],
        collector=COLLECTOR,
        pack_hash=scan.pack.content_hash,
        step_seconds=HISTORY_STEP_SECONDS,
    )
    return stores.models.choose(cluster_id, scan.pack.content_hash, window, sources_of(rows))


def open_model(
    stores: Stores, scan: Scan, cluster_id: str, since: datetime | None = None
) -> tuple[StoredModel | None, tuple[str, ...]]:
    """The learnt state of ``model_for``, and what is to be said of it; None without any history."""
    version, gaps = model_for(stores, scan, cluster_id, since)
    if version is None:
        return None, gaps
    try:
        return stores.models.fetch(version), gaps
    except CorruptObject:
        # It was struck out: what fits now is another version, or learnt anew.
        anew, more = model_for(stores, scan, cluster_id, since)
        told = f"version {version.version} of what was learnt is damaged; {_instead(anew)}"
        return (stores.models.fetch(anew) if anew else None), (*gaps, told, *more)


def _instead(version: ModelVersion | None) -> str:
    return f"version {version.version} was learnt anew and used" if version else "there is no history to learn from"


def learn_version(stores: Stores, scan: Scan, cluster_id: str) -> tuple[ModelVersion | None, tuple[str, ...]]:
    """Learn from what is stored of the days before a scan's window, and keep it; None where nothing is.

    Beside it is said what of these days could not be read. They are learnt of once they have been fetched again, since
    a version that was learnt without them fits no more.
    """
    past, pack = history_window(scan.window), scan.pack
    history = open_history(stores, cluster_id, pack, past)
    training = Training(
        cluster_id=cluster_id,
        pack_name=pack.name,
        pack_hash=pack.content_hash,
        window=past,
        sources=sources_of(history.frames.coverage),
    )
    return stores.models.save(training, learnt_blocks(history.frames, pack)), history.gaps


def learnt_blocks(stored: StoredFrames, pack: QueryPack) -> Iterator[tuple[TrainedState, Sequence[QueryQuality]]]:
    """What a history tells of some whole queries at a time."""
    series = stored.queries
    for queries in whole_queries(series):
        with COMPUTING:
            history = _History(stored, list(blocks_of({query: series[query] for query in queries})))
            learnt = learn_in_parts(history, pack)
            told = (with_last_seen(state_of(learnt), history.last_seen), quality_of(learnt)) if learnt else None
        if told is not None:
            yield told


class _History:
    """Some whole queries of a history, as often as they are gone through; of a very large one a block is held."""

    def __init__(self, stored: StoredFrames, blocks: Sequence[Block]) -> None:
        self._stored = stored
        self._blocks = blocks
        self._only = stored.read(blocks[0]) if len(blocks) == 1 else None
        self._last_seen: dict[Block, npt.NDArray[np.float64]] = {}

    def __iter__(self) -> Iterator[Frame]:
        for block in self._blocks:
            frame = self._only or self._stored.read(block)
            self._last_seen[block] = last_seen(frame)
            yield frame

    @property
    def last_seen(self) -> npt.NDArray[np.float64]:
        """When each of the series that were read had its last sample, in their order."""
        return np.concatenate([self._last_seen[block] for block in self._blocks])


def sources_of(coverage: Sequence[Coverage]) -> list[str]:
    """The hashes of the chunks that hold any series."""
    return sorted(chunk.object_hash for chunk in coverage if chunk.object_hash)
