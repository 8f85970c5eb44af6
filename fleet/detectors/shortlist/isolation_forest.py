"""Windows that a random forest isolates quickly."""

from __future__ import annotations

from fleet.detectors.contract import Scores
from fleet.detectors.shortlist.outlying_windows import OutlierModel, scores_of_windows
from fleet.frames.frame import Frame

_TREES = 50


class IsolationForest:
    """How few random cuts set a window's shape apart from those of the past.

    Assumption: an anomalous window has a feature (level, width, extremes, slope, roughness) that is far from the
        past's, or a combination that is rare among them.
    Fails: where anomalies filled much of the past; it does not reach beyond what it learnt: twice as far out is hardly
        a higher score, so that it tells that a window is strange, and not how strange.
    Cost: 0.05 s a series, most of it walking trees.
    Source: F. T. Liu, K. M. Ting and Z.-H. Zhou, Isolation Forest, ICDM 2008; PyOD's, on scikit-learn.
    """

    name = "isolation-forest"

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """1 is as strange as the strangest hundredth of the past's windows."""
        return scores_of_windows(frame, history, _forest)


def _forest() -> OutlierModel:
    from pyod.models.iforest import IForest

    model: OutlierModel = IForest(n_estimators=_TREES, random_state=0)
    return model
