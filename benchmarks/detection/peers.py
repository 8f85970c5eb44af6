"""What others would score: simple methods with their usual parameters, the same for every set.

Each takes a case and gives one score a sample. Of several metrics the most extreme counts, unless a method is
multivariate by itself. Windows are as long as TSB-AD takes them, the period of the autocorrelation; on several metrics
its methods judge points.
"""

from __future__ import annotations

from collections.abc import Callable
from warnings import catch_warnings, simplefilter

import numpy as np
from scipy.ndimage import median_filter

from benchmarks.detection.cases import Case, Numbers

Peer = Callable[[Case], Numbers]
_MAD_TO_SIGMA = 1.4826
_HAMPEL_POINTS = 25
_LEAST_SHARE = 0.1
_LEAST_SCALE = 1e-3
_MOST_WINDOWS = 20_000


def random_scores(case: Case) -> Numbers:
    """Chance."""
    return np.random.default_rng(1).random(len(case.labels))


def robust_z(case: Case) -> Numbers:
    """Distance from the median of the reference in robust spreads."""
    past = case.reference
    middle = np.median(past, axis=0)
    return np.asarray((np.abs(case.values - middle) / _scale(past, middle)).max(axis=1))


def hampel(case: Case) -> Numbers:
    """Distance from the running median of 25 samples, in spreads of such distances."""
    away, usual = (
        np.abs(values - median_filter(values, (_HAMPEL_POINTS, 1))) for values in (case.values, case.reference)
    )
    return np.asarray((away / _scale(usual, np.zeros(usual.shape[1]))).max(axis=1))


def isolation_forest(case: Case) -> Numbers:
    """PyOD's Isolation Forest on points."""
    return _pyod("IForest", case, 1)


def sub_isolation_forest(case: Case) -> Numbers:
    """PyOD's Isolation Forest on windows."""
    return _pyod("IForest", case, case.window)


def sub_pca(case: Case) -> Numbers:
    """PyOD's PCA on windows."""
    return _pyod("PCA", case, case.window)


def pca_reconstruction(case: Case) -> Numbers:
    """What is left of windows without the directions that hold 99% of the reference's variance (scikit-learn)."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    scaler, model = StandardScaler(), PCA(0.99, svd_solver="full")

    def fit(windows: Numbers) -> object:
        return model.fit(scaler.fit_transform(windows))

    def judge(windows: Numbers) -> Numbers:
        scaled = scaler.transform(windows)
        return np.asarray(((scaled - model.inverse_transform(model.transform(scaled))) ** 2).sum(axis=1))

    return _by_windows(case, 1 if len(case.frame.keys) > 1 else case.window, fit, judge)


PEERS: dict[str, Peer] = {
    "random": random_scores,
    "robust z": robust_z,
    "Hampel": hampel,
    "IForest (PyOD)": isolation_forest,
    "Sub-IForest (PyOD)": sub_isolation_forest,
    "Sub-PCA (PyOD)": sub_pca,
    "PCA reconstruction": pca_reconstruction,
}


def _scale(past: Numbers, middle: Numbers) -> Numbers:
    typical = _MAD_TO_SIGMA * np.median(np.abs(past - middle), axis=0)
    return np.maximum(np.maximum(typical, _LEAST_SHARE * past.std(axis=0)), _LEAST_SCALE)


def _pyod(name: str, case: Case, window: int) -> Numbers:
    from pyod.models.iforest import IForest
    from pyod.models.pca import PCA

    several = len(case.frame.keys) > 1
    # TSB-AD's choices for one metric and for several.
    model = IForest(random_state=1) if name == "IForest" else PCA(0.25 if several else None, random_state=1)
    return _by_windows(case, 1 if several else window, model.fit, model.decision_function)


def _by_windows(
    case: Case, window: int, fit: Callable[[Numbers], object], judge: Callable[[Numbers], Numbers]
) -> Numbers:
    """Scores of windows, learnt from the reference's, each for the point in its middle."""
    width = min(window, len(case.labels) // 2)
    learnt, judged = (_windows(values, width) for values in (case.reference, case.values))
    # A window without any variance divides by nothing in some of them; it is no news to the benchmark.
    with np.errstate(divide="ignore", invalid="ignore"), catch_warnings():
        simplefilter("ignore", RuntimeWarning)
        fit(learnt[:: max(1, len(learnt) // _MOST_WINDOWS)])
        of_windows = np.concatenate([judge(part) for part in np.array_split(judged, 20)])
    of_windows = np.nan_to_num(of_windows, posinf=np.finfo(np.float32).max)
    before = width // 2
    return np.pad(of_windows, (before, len(case.labels) - len(of_windows) - before), mode="edge")


def _windows(values: Numbers, width: int) -> Numbers:
    if width == 1:
        return values
    return np.lib.stride_tricks.sliding_window_view(values[:, 0], width)
