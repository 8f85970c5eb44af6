"""Frames: Parquet in the object store, visible only through their coverage rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from fleet.frames.coverage import Coverage
from fleet.frames.frame import Frame, concatenate
from fleet.frames.pack import QueryPack
from fleet.frames.parquet import FrameDecoder, FrameEncoder
from fleet.frames.window import Window, floor_time
from storage.chunk_objects import ChunkObjects
from storage.coverage import STANDING, CoverageStore
from storage.objects import ObjectStore

CONTENT_TYPE = "application/vnd.apache.parquet"


class FrameStore:
    """Frames by (cluster, collector, pack, step, chunk).

    Every method raises StoreUnavailable or StoreError when the database or the object store does.
    """

    def __init__(self, objects: ObjectStore, coverage: CoverageStore) -> None:
        self._coverage = coverage
        self._chunks = ChunkObjects(objects, coverage, "parquet", CONTENT_TYPE)

    def save(self, chunks: Iterable[tuple[Coverage, Frame]], pack: QueryPack) -> None:
        """Store chunks as they come, as ``ChunkObjects.save`` does. One chunk's frame is held at a time.

        Args:
            chunks: what was seen of each, and its series. The coverage must be of this pack, and its window and step
                the frame's; an empty frame is stored as the row alone. A better row of a chunk that is there stays.
            pack: the pack that was asked.
        """
        encoder = FrameEncoder(pack)
        self._chunks.save((coverage, _encoded(coverage, frame, pack, encoder)) for coverage, frame in chunks)

    def load(
        self, cluster_id: str, collector: str, pack_hash: str, step_seconds: int, window: Window
    ) -> tuple[Frame, list[Coverage]]:
        """What is stored of a window: the series of all chunks that reach into it, and their coverage.

        The frame's grid is the window widened to whole steps since the epoch. Where chunks overlap, the one that
        saw more counts. Time without a chunk, or with one that saw nothing, is NaN.

        Raises:
            CorruptObject: a chunk's bytes are gone or not what was stored. Before it is raised, the chunk's row says
                that nothing is known of it, so that the next run asks the cluster again.
        """
        coverage = self._coverage.list(
            window,
            cluster_ids=[cluster_id],
            collector=collector,
            pack_hash=pack_hash,
            step_seconds=step_seconds,
        )
        grid = _on_grid(window, step_seconds)
        by_standing = sorted(coverage, key=lambda chunk: (STANDING[chunk.status], chunk.window.start))
        decoder = FrameDecoder()
        frames = [_inside(self._chunks.read(chunk, decoder.decode), grid) for chunk in by_standing if chunk.object_key]
        return concatenate((frame for frame in frames if frame is not None), grid, step_seconds), coverage


def _encoded(coverage: Coverage, frame: Frame, pack: QueryPack, encoder: FrameEncoder) -> bytes:
    _check_match(coverage, frame, pack)
    return encoder.encode(frame) if frame.keys else b""


def _check_match(coverage: Coverage, frame: Frame, pack: QueryPack) -> None:
    if coverage.pack_hash != pack.content_hash:
        raise ValueError(f"coverage of pack {coverage.pack_hash} with a frame of pack {pack.content_hash}")
    if coverage.step_seconds != frame.step_seconds:
        raise ValueError(f"coverage of step {coverage.step_seconds} s with a frame of {frame.step_seconds} s")
    points = coverage.window.points(frame.step_seconds)
    if frame.keys and (frame.start != coverage.window.start or frame.points != points):
        raise ValueError(
            f"a frame of {frame.points} points from {frame.start.isoformat()} is not its coverage's window"
        )


def _on_grid(window: Window, step_seconds: int) -> Window:
    step = timedelta(seconds=step_seconds)
    last = floor_time(window.end, step)
    return Window(start=floor_time(window.start, step), end=last if last == window.end else last + step)


def _inside(frame: Frame, grid: Window) -> Frame | None:
    """The part of a frame that lies in the grid, or None."""
    start, end = max(frame.start, grid.start), min(frame.window.end, grid.end)
    return frame.cut(Window(start=start, end=end)) if start < end else None
