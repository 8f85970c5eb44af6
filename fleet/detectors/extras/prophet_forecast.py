"""Deviation from Prophet's forecast."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import Baseline, FloatArray, Scores
from fleet.detectors.extras.optional_package import optional_package
from fleet.detectors.profile.blocks import finite
from fleet.detectors.profile.grid import decimated
from fleet.detectors.profile.seasonal import DAY_SECONDS
from fleet.frames.frame import Frame
from fleet.frames.window import HISTORY_STEP_SECONDS

_MIN_KNOWN_SECONDS = 12 * 3600
_MIN_KNOWN_WITHOUT_HISTORY_SECONDS = 3 * 3600
_MIN_SEASON_DAYS = 3
_MIN_WEEK_DAYS = 13
"""Two weeks, less what may be missing of them."""
_MAD_TO_SIGMA = 1.4826
_LEVEL_FLOOR = 0.01
_SMALLEST = 1e-9
_BAND_SPREADS = 2.5758
"""Half the width of the central 99% of a normal distribution."""


class ProphetForecast:
    """How many spreads a value lies from what Prophet foretells from the history.

    The trend may bend, the day and (from two weeks on) the week have smooth seasons. The spread is the median absolute
    residual of the history.

    Assumption: a trend that bends seldom, and seasons that are sums of a few waves.
    Fails: for seasons with sharp edges (cron jobs), which few waves cannot draw; for short bends at the end of the
        history, which it takes for the new trend; anomalies of the history bend its seasons.
    Cost: 0.2 s a series for two weeks at 5 minutes; Stan fits it.
    Source: S. J. Taylor and B. Letham, Forecasting at Scale, The American Statistician 2018; the package prophet.
    """

    name = "prophet-forecast"

    def require(self) -> None:
        """Raises UsageError where the package is not installed."""
        _quiet_prophet()

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Absolute residuals in spreads.

        Raises:
            UsageError: the package is not installed.
        """
        prophet = _quiet_prophet()
        past = decimated(frame, HISTORY_STEP_SECONDS) if history is None else history
        rows = {key: row for row, key in enumerate(past.keys)}
        middle = np.full(frame.values.shape, np.nan, dtype=np.float32)
        spread = np.full((len(frame.keys), 1), np.nan, dtype=np.float32)
        for row, key in enumerate(frame.keys):
            if key in rows:
                middle[row], spread[row] = _forecast(prophet, past, rows[key], frame, known_before=history is not None)
        residual = (finite(frame.values) - middle) / spread
        width = np.float32(_BAND_SPREADS) * spread
        return Scores(
            values=np.abs(residual),
            signs=np.nan_to_num(np.sign(residual)).astype(np.int8),
            baseline=Baseline(low=middle - width, middle=middle, high=middle + width),
        )


def _quiet_prophet() -> Any:
    """The package, which complains at its import that it can draw no interactive plots, and then tells of every fit."""
    logging.getLogger("prophet").setLevel(logging.CRITICAL)
    prophet, _ = (
        optional_package(package, detector=ProphetForecast.name, group="forecast")
        for package in ("prophet", "cmdstanpy")
    )
    logging.getLogger("cmdstanpy").setLevel(logging.ERROR)
    return prophet


def _table(times: npt.NDArray[np.float64], values: npt.NDArray[np.float64] | None = None) -> Any:
    """Prophet's input: times without zone, which are UTC, and values where it is to learn."""
    pandas = optional_package("pandas", detector=ProphetForecast.name, group="forecast")
    columns = {"ds": times.astype("datetime64[s]")}
    return pandas.DataFrame(columns if values is None else {**columns, "y": values})


def _forecast(prophet: Any, past: Frame, row: int, frame: Frame, *, known_before: bool) -> tuple[FloatArray, float]:
    """What is expected at each column of the frame, and the spread; NaN where too little is known."""
    values = finite(past.values[row]).astype(np.float64)
    times = past.timestamps()
    seen = np.isfinite(values) & ((times < frame.start.timestamp()) | (not known_before))
    seconds = int(seen.sum()) * past.step_seconds
    if seconds < (_MIN_KNOWN_SECONDS if known_before else _MIN_KNOWN_WITHOUT_HISTORY_SECONDS):
        return np.full(frame.points, np.nan, dtype=np.float32), float("nan")
    days = seconds / DAY_SECONDS
    model = prophet.Prophet(
        daily_seasonality=known_before and days >= _MIN_SEASON_DAYS,
        weekly_seasonality=known_before and days >= _MIN_WEEK_DAYS,
        yearly_seasonality=False,
        scaling="minmax",
        uncertainty_samples=0,
    )
    with warnings.catch_warnings():
        # Prophet calls pandas in ways that a later pandas will refuse.
        warnings.simplefilter("ignore")
        model.fit(_table(times[seen], values[seen]), seed=0)
        drawn = model.predict(_table(times[seen]))["yhat"].to_numpy()
        expected = model.predict(_table(frame.timestamps()))["yhat"].to_numpy()
    residual = values[seen] - drawn
    floor = _LEVEL_FLOOR * abs(float(np.median(values[seen])))
    spread = max(_MAD_TO_SIGMA * float(np.median(np.abs(residual))), floor, _SMALLEST)
    return expected.astype(np.float32), spread
