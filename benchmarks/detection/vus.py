"""VUS-PR: the volume under the surface of precision, recall and buffer around labels, as TSB-AD defines it.

The arithmetic is TSB-AD's (``RangeAUC_volume_opt`` with 250 thresholds), arranged so that a window costs one pass over
the points near labels instead of 250 over all: the figures agree to rounding, 150 times faster. ``reference`` is the
package itself.

Source: J. Paparrizos and others, Volume Under the Surface, VLDB 2022; Q. Liu and J. Paparrizos, The Elephant in the
    Room: Towards a Reliable Time-Series Anomaly Detection Benchmark, NeurIPS 2024.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.signal import argrelextrema

THRESHOLDS = 250
_LONGEST_SERIES = 20_000
_LAGS = 400
_SHORTEST_LAG = 3
_LONGEST_WINDOW = 300
_DEFAULT_WINDOW = 125

Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def window_of(values: Numbers) -> int:
    """The widest buffer for a series: the lag of the highest peak of its autocorrelation, 125 where there is none."""
    values = values[:_LONGEST_SERIES] - values[:_LONGEST_SERIES].mean()
    spectrum = np.fft.rfft(values, 2 * (1 << (len(values) - 1).bit_length()))
    correlation = np.fft.irfft(spectrum * spectrum.conj())[: min(_LAGS + 1, len(values))]
    correlation = correlation[_SHORTEST_LAG:]
    peaks = argrelextrema(correlation, np.greater)[0]
    if not len(peaks):
        return _DEFAULT_WINDOW
    best = int(peaks[np.argmax(correlation[peaks])])
    return best + _SHORTEST_LAG if _SHORTEST_LAG <= best <= _LONGEST_WINDOW else _DEFAULT_WINDOW


def vus_pr(scores: Numbers, labels: Labels, window: int) -> float:
    """VUS-PR of scores, higher meaning more anomalous, for all buffers from none to ``window`` points."""
    ranked = -np.sort(-scores)
    thresholds = ranked[np.linspace(0, len(scores) - 1, THRESHOLDS).astype(np.intp)]
    # The first threshold that each point passes; it passes all after it.
    first = np.searchsorted(-thresholds, -scores, side="left")
    flagged = _passed(first)
    starts, ends = events_of(labels)
    volume = 0.0
    for width in range(window + 1):
        buffer = _buffer(labels, starts, ends, width)
        near = np.flatnonzero(buffer)
        found = _passed(first[labels == 1]) + _passed(first[near], buffer[near])
        seen = [first[start:end].min() for start, end in _merged(starts, ends, width // 2, len(labels))]
        existence = _passed(np.array(seen)) / len(seen)
        positives = labels.sum() + _passed(first[near], buffer[near]) / 2
        recall = np.minimum(found / positives, 1) * existence
        volume += float(np.dot(np.diff(recall, prepend=0), found / flagged))
    return volume / (window + 1)


def reference(scores: Numbers, labels: Labels, window: int) -> float:
    """The same by the package TSB-AD (``requirements/measuring.lock``); slow."""
    from TSB_AD.evaluation.basic_metrics import generate_curve

    return float(generate_curve(labels, scores, window, "opt", THRESHOLDS)[-1])


def events_of(labels: Labels) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First and last points of the labelled stretches."""
    edges = np.diff(labels, prepend=0, append=0)
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1


def _passed(first: npt.NDArray[np.intp], weights: Numbers | None = None) -> Numbers:
    """For each threshold, how much passes it."""
    return np.cumsum(np.bincount(first, weights, minlength=THRESHOLDS)[:THRESHOLDS]).astype(np.float64)


def _buffer(labels: Labels, starts: npt.NDArray[np.intp], ends: npt.NDArray[np.intp], width: int) -> Numbers:
    """What points beside labels count for: less the further they are, nothing on the labels themselves."""
    buffer = np.zeros(len(labels))
    half = width // 2
    if half:
        falling = np.sqrt(1 - np.arange(1, half + 1) / width)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            after = min(half, len(labels) - 1 - end)
            buffer[end + 1 : end + 1 + after] += falling[:after]
            before = min(half, start)
            buffer[start - before : start] += falling[:before][::-1]
    buffer[labels == 1] = 0
    return np.minimum(buffer, 1)


def _merged(starts: npt.NDArray[np.intp], ends: npt.NDArray[np.intp], half: int, points: int) -> list[tuple[int, int]]:
    """Labelled stretches with their buffers, those that touch as one: first points, and points after the last."""
    merged: list[tuple[int, int]] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if merged and start - half <= merged[-1][1] - 1:
            merged[-1] = (merged[-1][0], min(end + half, points - 1) + 1)
        else:
            merged.append((max(start - half, 0), min(end + half, points - 1) + 1))
    return merged
