"""Frames on the grid of a history: the same samples that the history would have."""

from __future__ import annotations

from datetime import datetime
from math import ceil

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray
from fleet.frames.frame import Frame, SeriesKey


def decimated(frame: Frame, step_seconds: int) -> Frame:
    """The columns of a frame whose times are multiples of a longer step: what a server answers at that step.

    Unlike the medians of ``to_blocks`` these are single samples, as those of a history are, so that scores of both have
    one distribution. Where no column lies on a multiple it is the next one, and of a frame that ends before it the last
    one. A frame whose step is no shorter is left as it is.
    """
    every = step_seconds // frame.step_seconds
    if every <= 1 or not frame.points:
        return frame
    first = min(-(-(-int(frame.start.timestamp()) % step_seconds) // frame.step_seconds), frame.points - 1)
    values = np.ascontiguousarray(frame.values[:, first::every])
    return Frame(frame.time_at(first), frame.step_seconds * every, frame.keys, values)


def rows_in(keys: list[SeriesKey], wanted: list[SeriesKey]) -> npt.NDArray[np.intp]:
    """For each wanted series its row among ``keys``, or -1."""
    if keys == wanted:
        return np.arange(len(keys), dtype=np.intp)
    rows = {key: row for row, key in enumerate(keys)}
    return np.array([rows.get(key, -1) for key in wanted], dtype=np.intp)


def before(frame: Frame, history: Frame) -> Frame:
    """A history's columns before a frame starts, rows in the frame's order; NaN for series that it lacks.

    Values are not copied where they need not be.
    """
    seconds = (frame.start - history.start).total_seconds()
    points = max(1, min(history.points, int(-(-seconds // history.step_seconds))))
    rows = rows_in(history.keys, frame.keys)
    return Frame(history.start, history.step_seconds, frame.keys, _ordered(history.values[:, :points], rows))


def preceded(frame: Frame, history: Frame | None, since: datetime) -> Frame:
    """A frame with the time from ``since`` on before it: its series have the samples of a history there, or gaps.

    It is left as it is where the history has no sample there, or one between the columns of the frame's grid.
    """
    if history is None or since >= frame.start:
        return frame
    columns = ceil((frame.start - since).total_seconds() / frame.step_seconds)
    start = frame.time_at(-columns)
    places = (history.timestamps() - start.timestamp()) / frame.step_seconds
    here = np.flatnonzero((places >= 0) & (places < columns))
    past = _ordered(history.values[:, here], rows_in(history.keys, frame.keys))
    if (places[here] % 1).any() or not np.isfinite(past).any():
        return frame
    values = np.full((len(frame.keys), columns + frame.points), np.nan, dtype=np.float32)
    values[:, places[here].astype(np.intp)] = past
    values[:, columns:] = frame.values
    return Frame(start, frame.step_seconds, frame.keys, values)


def _ordered(values: FloatArray, rows: npt.NDArray[np.intp]) -> FloatArray:
    count = values.shape[0]
    if len(rows) == count and (rows == np.arange(count)).all():
        return values
    if not count:
        return np.full((len(rows), values.shape[1]), np.nan, dtype=np.float32)
    ordered = values[rows]
    ordered[rows < 0] = np.nan
    return ordered
