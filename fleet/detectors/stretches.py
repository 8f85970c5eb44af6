"""Stretches of time out of flags: joined over short interruptions, and with their true ends."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray

Flags = npt.NDArray[np.bool_]


def runs_of(flags: Flags) -> npt.NDArray[np.intp]:
    """Runs of flagged columns as rows (series, first, last), both ends inclusive, in order."""
    rows, columns = flags.shape
    edges = np.zeros((rows, columns + 2), dtype=np.int8)
    edges[:, 1:-1] = flags
    change = np.diff(edges, axis=1)
    first_row, first = np.nonzero(change == 1)
    _, last = np.nonzero(change == -1)
    return np.stack([first_row, first, last - 1], axis=1)


def joined_runs(runs: npt.NDArray[np.intp], longest_break: int) -> npt.NDArray[np.intp]:
    """Runs of one series that are at most ``longest_break`` columns apart become one."""
    if len(runs) < 2:
        return runs
    same = (runs[1:, 0] == runs[:-1, 0]) & (runs[1:, 1] - runs[:-1, 2] - 1 <= longest_break)
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    ends = np.concatenate([starts[1:] - 1, [len(runs) - 1]])
    return np.stack([runs[starts, 0], runs[starts, 1], runs[ends, 2]], axis=1)


def reach(beyond: Flags, first: int, last: int, patience: int) -> tuple[int, int]:
    """The ends of a stretch, moved outwards over flagged columns and over breaks of up to ``patience`` columns.

    Args:
        beyond: one series' flags.
        first, last: ends from which to go on, inclusive; ``first`` and ``last`` of the result are flagged or these.
    """
    flagged = np.flatnonzero(beyond)
    before = flagged[flagged < first][::-1]
    after = flagged[flagged > last]
    return int(_walk(first, before, patience, -1)), int(_walk(last, after, patience, 1))


def _walk(end: int, flagged: npt.NDArray[np.intp], patience: int, direction: int) -> int:
    if flagged.size == 0:
        return end
    steps = np.abs(np.diff(np.concatenate([[end], flagged])))
    stop = np.flatnonzero(steps > patience + 1)
    count = int(stop[0]) if stop.size else flagged.size
    return int(flagged[count - 1]) if count else end


def lasting(scores: FloatArray, shortest: npt.NDArray[np.intp]) -> FloatArray:
    """For each point the height above which its scores lie for long enough, in a stretch that contains it.

    Args:
        scores: oriented so that higher is further out, NaN unknown, (series, points).
        shortest: points that an anomaly has to last, (series,).

    Returns:
        −inf where no such stretch contains the point.
    """
    result = np.full_like(scores, -np.inf)
    for length in np.unique(shortest).tolist():
        if scores.shape[1] >= length:
            rows = shortest == length
            result[rows] = _lasting(np.where(np.isnan(scores[rows]), np.float32(-np.inf), scores[rows]), length)
    return result


def _lasting(scores: FloatArray, length: int) -> FloatArray:
    windows = np.lib.stride_tricks.sliding_window_view(scores, length, axis=1).min(axis=2)
    padded = np.pad(windows, ((0, 0), (length - 1, length - 1)), constant_values=-np.inf)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, length, axis=1).max(axis=2))
