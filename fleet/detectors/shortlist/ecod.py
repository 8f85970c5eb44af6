"""Windows far out in the tails of their features."""

from __future__ import annotations

from fleet.detectors.contract import Scores
from fleet.detectors.shortlist.outlying_windows import OutlierModel, scores_of_windows
from fleet.frames.frame import Frame


class Ecod:
    """How improbable a window's features are together, each by its empirical distribution, as if independent.

    Assumption: what is strange is extreme in at least one feature (level, width, extremes, slope, roughness).
    Fails: for windows whose features are usual by themselves and not together; ranks know no distance, so that
        everything beyond the past's extreme is nearly the same.
    Cost: 0.007 s a series: sorts each feature once.
    Source: Z. Li and others, ECOD: Unsupervised Outlier Detection Using Empirical Cumulative Distribution Functions,
        IEEE TKDE 2022; PyOD's.
    """

    name = "ecod"

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """1 is as improbable as the most improbable hundredth of the past's windows."""
        return scores_of_windows(frame, history, _model)


def _model() -> OutlierModel:
    from pyod.models.ecod import ECOD

    model: OutlierModel = ECOD()
    return model
