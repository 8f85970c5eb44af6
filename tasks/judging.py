"""A cluster's stored frames judged some series at a time: what is held at once does not grow with the cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from fleet.detectors.calibration.second_look import SecondLook
from fleet.detectors.cohorts.figures import Figures
from fleet.detectors.contract import Anomaly, Sensitivity
from fleet.detectors.learnt import Learnt
from fleet.detectors.learnt_state import learnt_of
from fleet.detectors.scan import detect
from fleet.detectors.trained_state import TrainedState
from fleet.detectors.vanished import with_vanished
from fleet.detectors.whole import Whole
from fleet.frames.frame import Frame
from fleet.frames.frame_blocks import blocks_of, rows_by_block
from fleet.frames.pack import QueryPack
from storage.stored_frames import StoredFrames
from storage.stored_model import StoredModel
from tasks.computing import COMPUTING

Flags = npt.NDArray[np.bool_]
States = Iterable[tuple[Sequence[str], TrainedState]]
"""What was learnt, with the queries that each part of it tells of."""


@dataclass
class Judgement:
    """What was found in a window at one sensitivity.

    Attributes:
        anomalies: their rows are those of ``frame``.
        series: how many were judged.
        vanished: queries of which a series is gone that was there a day ago.
        figures: of the series that are there, to compare them with their like.
    """

    anomalies: list[Anomaly] = field(default_factory=list)
    series: int = 0
    vanished: set[str] = field(default_factory=set)
    figures: list[Figures] = field(default_factory=list)
    _frames: list[Frame] = field(default_factory=list)

    @property
    def frame(self) -> Frame:
        """The series that have an anomaly, and no others."""
        first = self._frames[0]
        keys = [key for frame in self._frames for key in frame.keys]
        return Frame(first.start, first.step_seconds, keys, np.concatenate([frame.values for frame in self._frames]))

    def add(self, frame: Frame, there: Flags, anomalies: Sequence[Anomaly]) -> None:
        """Add what was found in a block of series, of which some are there."""
        rows = sorted({anomaly.row for anomaly in anomalies})
        place = {row: number for number, row in enumerate(rows, start=sum(len(each.keys) for each in self._frames))}
        self._frames.append(frame.select(rows))
        self.anomalies += [replace(anomaly, row=place[anomaly.row]) for anomaly in anomalies]
        self.series += int(there.sum())
        self.vanished |= {frame.keys[row].query_id for row in np.flatnonzero(~there).tolist()}


def judge(
    stored: StoredFrames,
    states: States,
    pack: QueryPack,
    sensitivities: Collection[Sensitivity],
    second_looks: Sequence[SecondLook] = (),
    since: datetime | None = None,
) -> dict[Sensitivity, Judgement]:
    """Judge what is stored of a window; queries of which nothing was learnt are judged by the window alone.

    Args:
        stored: the window, and what is stored of the time before it, as context.
        states: what was learnt.
        pack: what the values are.
        sensitivities: at which it is judged.
        second_looks: detectors for the few series that the screen passes on.
        since: when the window begins; None where nothing is before it.
    """
    whole = Whole.of(stored.queries.total(), stored.seen)
    figures: list[Figures] = []
    judgements = {sensitivity: Judgement(figures=figures) for sensitivity in sensitivities}
    for frame, learnt in _blocks(stored, states, since):
        there, window = _in_window(frame, since)
        figures.append(Figures.of(window, learnt.levels(window.keys) if learnt else None))
        for sensitivity, judgement in judgements.items():
            judgement.add(frame, there, detect(frame, learnt, pack, sensitivity, second_looks, whole, since))
    return judgements


def states_of(model: StoredModel | None) -> Iterator[tuple[Sequence[str], TrainedState]]:
    """What a stored model holds, part by part."""
    if model is not None:
        for part in model.version.parts:
            yield part.queries, model.state(part)


def _in_window(frame: Frame, since: datetime | None) -> tuple[Flags, Frame]:
    """Which series have a sample in the window, and these in it."""
    first = round((since - frame.start).total_seconds() / frame.step_seconds) if since else 0
    values = frame.values[:, first:]
    there = np.asarray(np.isfinite(values).any(axis=1))
    rows = np.flatnonzero(there).tolist()
    if len(rows) < len(there):
        values = values[rows]
    return there, Frame(frame.time_at(first), frame.step_seconds, [frame.keys[row] for row in rows], values)


def _blocks(stored: StoredFrames, states: States, since: datetime | None) -> Iterator[tuple[Frame, Learnt | None]]:
    """Some series at a time, and what was learnt of them.

    Whoever takes them works on one at a time, and takes all: until the next is taken, it counts as being worked on.
    """
    left = stored.queries
    for queries, state in states:
        counts = Counter(key.query_id for key in state.keys) | Counter({query: left.pop(query, 0) for query in queries})
        blocks = list(blocks_of(counts))
        for block, rows in zip(blocks, rows_by_block(blocks, state.keys), strict=True):
            with COMPUTING:
                own = state.select(rows) if 0 < len(rows) < len(state.keys) else state
                frame = with_vanished(stored.read(block), own, block.holds, since)
                if frame.keys:
                    yield frame, learnt_of(own)
    for block in blocks_of(left):
        with COMPUTING:
            frame = stored.read(block)
            if frame.keys:
                yield frame, None
