"""Windows outside of the region that the past's windows fill."""

from __future__ import annotations

from fleet.detectors.contract import Scores
from fleet.detectors.shortlist.outlying_windows import OutlierModel, scores_of_windows
from fleet.frames.frame import Frame

_OUTSIDE = 0.05
"""The share of the past's windows that the region may leave out."""


class OneClassSvm:
    """How far a window lies outside of a smooth region that holds nearly all windows of the past.

    Assumption: usual windows fill one region or a few, with soft borders, in the space of their features (level, width,
        extremes, slope, roughness).
    Fails: where anomalies filled more than a twentieth of the past; a few spreads outside all windows are
        equally strange.
    Cost: 0.015 s a series; grows with the square of the past's windows, of which it takes 2,000 at most.
    Source: B. Schölkopf and others, Estimating the Support of a High-Dimensional Distribution, Neural Computation 13,
        2001; PyOD's, on scikit-learn.
    """

    name = "one-class-svm"

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """1 is as far outside as the furthest hundredth of the past's windows."""
        return scores_of_windows(frame, history, _model)


def _model() -> OutlierModel:
    from pyod.models.ocsvm import OCSVM

    model: OutlierModel = OCSVM(nu=_OUTSIDE)
    return model
