"""Samples of many chunks of time in as few readings as may be: quiet days take one, busy ones one an hour.

Sources of logs and traces hand out the newest first. A reading of all chunks that came to its end before it had enough
holds each of them whole. One that had enough holds those whole that begin after the oldest thing that it read, and the
next reading begins where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from fleet.frames.coverage import Coverage, CoverageStatus
from fleet.frames.window import Window, join_adjacent

FAILURES = 2
"""Of all chunks and of the newest one by itself, for example: then it is the source that fails."""
FrameT = TypeVar("FrameT")


@dataclass(frozen=True)
class Sample(Generic[FrameT]):
    """What one reading of a window brought.

    Attributes:
        frame: the newest of what was asked for.
        coverage: of the whole window.
        whole_since: from then on nothing is left out; the window's start where it had not more than enough.
        answers: whether the source answered anything at all; one that did not is not asked for other times.
    """

    frame: FrameT
    coverage: Coverage
    whole_since: datetime
    answers: bool = True


def sample_chunks(
    chunks: Sequence[Window], read: Callable[[Window], Sample[FrameT]], cut: Callable[[FrameT, Window], FrameT]
) -> Iterator[tuple[Coverage, FrameT]]:
    """Each chunk's sample with its coverage, the newest chunk of each stretch first.

    What was not seen whole is read again chunk by chunk, so that what is wrong with one says nothing of the others. A
    source that answers nothing, or fails ``FAILURES`` times in a row, is not asked for the rest, which is unknown for
    the same reason.

    Args:
        chunks: the missing pieces of time.
        read: reads the newest of a window.
        cut: the part of a frame that is of a window.
    """
    failures = 0
    for stretch in join_adjacent(list(chunks)):
        rest = [chunk for chunk in sorted(chunks, key=lambda each: each.start) if stretch.contains(chunk.start)]
        together = True
        while rest:
            asked = rest if together else rest[-1:]
            sample = read(Window(start=asked[0].start, end=asked[-1].end))
            failures = failures + 1 if sample.coverage.status is CoverageStatus.UNKNOWN else 0
            lost = not sample.answers or failures >= FAILURES
            if not sample.coverage.status.final and not lost and len(asked) > 1:
                together = False
                continue
            seen = rest if lost else _seen(sample, asked)
            for chunk in reversed(seen):
                yield _coverage_of(sample, chunk), cut(sample.frame, chunk)
            rest = rest[: -len(seen)]


def _seen(sample: Sample[FrameT], asked: list[Window]) -> list[Window]:
    """The chunks that need not be read again: those that are whole, or the newest where that is full by itself."""
    return [chunk for chunk in asked if chunk.start >= sample.whole_since] or asked[-1:]


def _coverage_of(sample: Sample[FrameT], chunk: Window) -> Coverage:
    whole = sample.coverage.status is CoverageStatus.OK and chunk.start >= sample.whole_since
    reason = "" if whole else sample.coverage.reason
    return sample.coverage.model_copy(update={"window": chunk, "reason": reason})
