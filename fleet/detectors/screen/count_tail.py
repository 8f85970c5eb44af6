"""Sparse counts: how improbable a count is at the rate of the past."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.grid import before
from fleet.detectors.profile.seasonal import DAY_SECONDS
from fleet.detectors.screen.count_rates import CountRates, counts_of, learn_rates
from fleet.detectors.screen.screen import points_in
from fleet.frames.frame import Frame
from fleet.frames.window import HISTORY_STEP_SECONDS

_SPAN_SECONDS = 3600
"""Counts that lie so far apart that they have no event in common are added up over this time."""


class CountTail:
    """Digits of improbability of a count, or of the last hour's counts: 3 means a chance of about one in a thousand.

    The chance is Chernoff's bound on the tail of a Poisson distribution, or where events come in crowds of a negative
    binomial one. Rate and crowding are the series' own, shrunk to those of like series (of the same query).
    An event that stands in several counts, each of the last 10 minutes for example, is one event of the hour.

    Assumption: like series have like rates until their own are known; a crowd of events lasts for an hour at most.
    Fails: where crowds last for hours, so that digits are no chances: scans compare them with those of past days;
        without a history the frame's own rate is taken, which a long burst lifts. Time of day does not matter to it.
    Cost: 10 ns for a count of 0, 60 ns for others.
    Source: H. Chernoff, Annals of Mathematical Statistics 23, 1952; empirical Bayes rates after H. Robbins, 1956.
    """

    name = "count-tail"
    least = 2.0

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Digits of improbability; the sign says on which side of the rate the count lies."""
        return self.scores(frame, learn_rates(frame if history is None else before(frame, history)))

    def scores(self, frame: Frame, rates: CountRates) -> Scores:
        """The same against rates that were learnt before, rows in the frame's order."""
        signed = self.signed(frame.values, rates, frame.step_seconds)
        return Scores(values=np.abs(signed), signs=np.where(np.isfinite(signed), np.sign(signed), 0).astype(np.int8))

    def signed(
        self, values: FloatArray, rates: CountRates, step_seconds: int, apart: npt.NDArray[np.intp] | None = None
    ) -> FloatArray:
        """Digits, positive above the rate and negative below it, of counts of shape (series, points).

        Args:
            values: the counts.
            rates: by series, or by series and day of ``values``; the last of these days ends with the values.
            step_seconds: of the points.
            apart: by series, how many points counts lie apart that have no event in common; 5 minutes where it is None.
        """
        from fleet.detectors.screen.count_digits import signed_digits

        counts = counts_of(values)
        if not counts.size:
            return counts
        rate, size = rates.rate.reshape(len(counts), -1), rates.size.reshape(len(counts), -1)
        a_day = points_in(DAY_SECONDS, step_seconds) if rates.rate.ndim > 1 else counts.shape[1]
        if apart is None:
            apart = np.full(len(counts), points_in(HISTORY_STEP_SECONDS, step_seconds), dtype=np.intp)
        digits = np.empty(counts.shape, dtype=np.float32)
        signed_digits(counts, rate, size, a_day, apart, points_in(_SPAN_SECONDS, step_seconds), digits)
        return digits
