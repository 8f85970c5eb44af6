"""A window's stored chunks, read a block at a time: what is held at once does not grow with the cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from fleet.errors import CorruptObject
from fleet.frames.coverage import Coverage
from fleet.frames.frame import Frame, concatenate
from fleet.frames.frame_blocks import Selection
from fleet.frames.frame_file import FrameFile, KnownSeries
from fleet.frames.window import Window, floor_time
from storage.chunk_objects import ChunkObjects
from storage.coverage import STANDING

MEMORY_BYTES = 32 * 2**20
"""Chunks that are larger together are kept as mapped files: of a large cluster a day is some hundred MiB."""


class StoredFrames:
    """The chunks that reach into a window. Not safe to share between threads.

    Args:
        chunks: where they lie.
        coverage: their rows.
        window: which; the grid of what is read is this widened to whole steps since the epoch.
        step_seconds: of the grid.

    Raises:
        CorruptObject: the bytes of a chunk are gone or not what was stored; all such are struck out by then.
    """

    def __init__(self, chunks: ChunkObjects, coverage: Sequence[Coverage], window: Window, step_seconds: int) -> None:
        self.coverage = list(coverage)
        self._chunks = chunks
        self._grid = _on_grid(window, step_seconds)
        self._step_seconds = step_seconds
        mapped = sum(chunk.object_bytes for chunk in coverage) > MEMORY_BYTES
        self._files: list[tuple[Coverage, FrameFile]] = []
        damaged: list[CorruptObject] = []
        # Where chunks overlap, the one that saw more counts: it is the later one here.
        for chunk in sorted(coverage, key=lambda each: (STANDING[each.status], each.window.start)):
            if chunk.object_key:
                try:
                    data = chunks.fetch(chunk, mapped=mapped)
                    with chunks.struck_out(chunk):
                        self._files.append((chunk, FrameFile(data)))
                except CorruptObject as failure:
                    damaged.append(failure)
        if damaged:
            raise damaged[0]

    @property
    def queries(self) -> Counter[str]:
        """The most series that each query has in any chunk, in the order in which they first come."""
        most: Counter[str] = Counter()
        for chunk, file in self._files:
            with self._chunks.struck_out(chunk):
                most |= file.queries
        return most

    @property
    def seen(self) -> npt.NDArray[np.int64]:
        """How many series have a sample at each column of the grid, whatever their query."""
        seen = np.zeros(self._grid.points(self._step_seconds), dtype=np.int64)
        for chunk, file in self._files:
            first = round((file.start - self._grid.start).total_seconds() / self._step_seconds)
            here = slice(max(0, first), max(0, first + file.points))
            with self._chunks.struck_out(chunk):
                seen[here] = file.seen[max(0, -first) :][: len(seen[here])]
        return seen

    def read(self, wanted: Selection | None = None) -> Frame:
        """Some series over the window. Time without a chunk, or with one that saw nothing, is NaN.

        Args:
            wanted: which; None for all.

        Raises:
            CorruptObject: a chunk cannot be read; it is struck out by then.
        """
        known: KnownSeries = {}
        frames = (self._inside(chunk, file, wanted, known) for chunk, file in self._files)
        return concatenate((each for each in frames if each is not None), self._grid, self._step_seconds)

    def _inside(self, chunk: Coverage, file: FrameFile, wanted: Selection | None, known: KnownSeries) -> Frame | None:
        """The part of a chunk that lies in the grid, or None."""
        with self._chunks.struck_out(chunk):
            frame = file.read(wanted, known)
        start, end = max(frame.start, self._grid.start), min(frame.window.end, self._grid.end)
        return frame.cut(Window(start=start, end=end)) if start < end else None


def _on_grid(window: Window, step_seconds: int) -> Window:
    step = timedelta(seconds=step_seconds)
    last = floor_time(window.end, step)
    return Window(start=floor_time(window.start, step), end=last if last == window.end else last + step)
