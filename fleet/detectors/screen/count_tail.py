"""Sparse counts: how improbable a count is at the rate of the past."""

from __future__ import annotations

import numpy as np

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.blocks import finite
from fleet.frames.frame import Frame

_PRIOR_POINTS = 288.0
"""A series' own rate is believed after about this many counts; before that, the rate of like series."""
_HALF_AN_EVENT = 0.5
_OVERDISPERSED = 1.05


class CountTail:
    """Digits of improbability of a count: 3 means a chance of about one in a thousand.

    The chance is Chernoff's bound on the tail of a Poisson, or where like series vary more than that of a negative
    binomial distribution, with a rate that is shrunk to the rate of like series (those of the same query).

    Assumption: counts of different times are independent given the rate, and like series share how they vary.
    Fails: where events come in crowds over hours (scans compare with how many days of the past were as high);
        without a history the frame's own rate is taken, which a long burst lifts.
    Cost: a few passes over the frame, one over the history.
    Source: H. Chernoff, Annals of Mathematical Statistics 23, 1952; empirical Bayes rates after H. Robbins, 1956.
    """

    name = "count-tail"

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Digits of improbability; the sign says on which side of the rate the count lies."""
        rate, size = self._rates(frame, history)
        counts = np.round(np.maximum(finite(frame.values), 0)).astype(np.float32)
        digits = _digits(counts, rate[:, None], size[:, None])
        return Scores(
            values=digits,
            signs=np.where(np.isfinite(digits), np.sign(counts - rate[:, None]), 0).astype(np.int8),
        )

    def _rates(self, frame: Frame, history: Frame | None) -> tuple[FloatArray, FloatArray]:
        """Rate and negative binomial size (infinite for Poisson) of each row."""
        past = history if history is not None else frame
        rows = {key: row for row, key in enumerate(past.keys)}
        order = np.array([rows.get(key, -1) for key in frame.keys], dtype=np.intp)
        rate = np.zeros(len(frame.keys), dtype=np.float32)
        size = np.full(len(frame.keys), np.inf, dtype=np.float32)
        for query_id in {key.query_id for key in frame.keys}:
            here = np.array([row for row, key in enumerate(frame.keys) if key.query_id == query_id])
            counts = _counts_of(past, order[here])
            seen = np.isfinite(counts).sum(axis=1)
            total = np.nansum(counts, axis=1)
            pooled = (total.sum() + _HALF_AN_EVENT) / max(1, int(seen.sum()))
            rate[here] = (total + _PRIOR_POINTS * pooled) / (seen + _PRIOR_POINTS)
            size[here] = _size(counts, rate[here], float(pooled))
        return rate, size


def _counts_of(past: Frame, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> FloatArray:
    counts = np.round(np.maximum(finite(past.values[rows]), 0)).astype(np.float32)
    counts[rows < 0] = np.nan
    return counts


def _size(counts: FloatArray, rate: FloatArray, pooled: float) -> float:
    """Size of the negative binomial that varies as like series do around their rates."""
    known = np.isfinite(counts)
    if not known.any():
        return float("inf")
    variance = float(np.square(np.where(known, counts - rate[:, None], 0)).sum() / known.sum())
    return pooled**2 / (variance - pooled) if variance > _OVERDISPERSED * pooled else float("inf")


def _digits(counts: FloatArray, rate: FloatArray, size: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.where(counts > 0, counts * np.log(counts / rate), 0)
        poisson = log_ratio - counts + rate
        other = (counts + size) * np.log1p((counts - rate) / (rate + size))
        exponent = np.where(np.isfinite(size), log_ratio - other, poisson)
    digits = np.maximum(exponent / np.log(10), 0)
    return np.where(np.isfinite(counts), digits, np.nan).astype(np.float32)
