"""What others need for a series: a score for each of a day's 2,880 values, by their own defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.speed.timing import timed
from benchmarks.speed.whole_scan import WINDOW, MadeUp
from fleet.detectors.contract import FloatArray
from fleet.frames.window import STEP_SECONDS

_SERIES = 1000
_HOUR = 120
_SEASON = 288


def main() -> dict[str, Any]:
    """Measures, and prints the table."""
    values = MadeUp(_SERIES, 0.0).frame(WINDOW, STEP_SECONDS).values
    rows = [timed("numpy: median and MAD", _SERIES, lambda: median_and_mad(values), repeats=3)]
    absent = []
    for name, (package, series, score) in PEERS.items():
        if find_spec(package) is None:
            absent.append(name)
            continue
        rows.append(timed(name, series, partial(_each, score, values[:series]), repeats=2))
    table = Table(title="A day at 30 s, one series at a time")
    for column in ("", "series/s", "of two free cores"):
        table.add_column(column, justify="right" if column else "left")
    for row in rows:
        table.add_row(row.name, f"{row.rate:,.1f}", f"{row.rate_of_cores:,.1f}")
    for name in absent:
        table.add_row(name, "not installed", "")
    Console().print(table)
    return {"rows": [asdict(row) for row in rows], "absent": absent}


def _each(score: Callable[[FloatArray], FloatArray], values: FloatArray) -> list[FloatArray]:
    return [score(each) for each in values]


def median_and_mad(values: FloatArray) -> FloatArray:
    """Robust z-scores without any season."""
    middle = np.median(values, axis=1, keepdims=True)
    return np.asarray(np.abs(values - middle) / np.median(np.abs(values - middle), axis=1, keepdims=True))


def isolation_forest(values: FloatArray) -> FloatArray:
    """PyOD's, of single values."""
    from pyod.models.iforest import IForest

    return np.asarray(IForest(random_state=0).fit(values[:, None]).decision_scores_)


def matrix_profile(values: FloatArray) -> FloatArray:
    """Stumpy's, of windows of an hour."""
    import stumpy

    return np.asarray(stumpy.stump(values.astype(np.float64), m=_HOUR)[:, 0], dtype=np.float32)


def prophet(values: FloatArray) -> FloatArray:
    """Prophet's forecast of the values that it was fitted to."""
    import pandas as pd
    from prophet import Prophet

    past = pd.DataFrame({"ds": pd.date_range("2026-03-02", periods=values.size, freq="30s"), "y": values})
    return np.asarray(np.abs(values - Prophet().fit(past).predict(past)["yhat"]), dtype=np.float32)


def mstl(values: FloatArray) -> FloatArray:
    """Statsforecast's MSTL, with a season of a day at 5 minutes."""
    from statsforecast.models import MSTL

    model = MSTL(season_length=_SEASON).fit(values.astype(np.float64))
    return np.asarray(np.abs(model.model_["remainder"]), dtype=np.float32)


PEERS: dict[str, tuple[str, int, Callable[[FloatArray], FloatArray]]] = {
    "PyOD: isolation forest": ("pyod", 8, isolation_forest),
    "stumpy: matrix profile": ("stumpy", 20, matrix_profile),
    "Prophet": ("prophet", 2, prophet),
    "statsforecast: MSTL": ("statsforecast", 5, mstl),
}
"""By name: the package, how many series are measured, and what is measured."""
