"""Judging a day of 10,000 series against stored profiles, and learning the profiles, beside copying the frame."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.speed.timing import CORES, Row, timed
from benchmarks.speed.whole_scan import WINDOW, MadeUp
from fleet.detectors.catalogue import screens
from fleet.detectors.contract import FloatArray, Sensitivity
from fleet.detectors.families import Gauges, maxima_of_day
from fleet.detectors.learnt import Learnt, learn
from fleet.detectors.part import Part
from fleet.detectors.profile.grid import decimated
from fleet.detectors.profile.seasonal import SeasonalProfile, fit_profile
from fleet.detectors.rules import RowRules
from fleet.detectors.scan import detect
from fleet.detectors.shortlist.subspace import SubspaceWindows
from fleet.frames.window import HISTORY_STEP_SECONDS, STEP_SECONDS, history_window

SERIES = 10_000
_SHORTLISTED = 500
_MOST_MEMORY = 1.5
"""Of the frame, with the frame."""


class Judged:
    """A day of made-up series at 30 s, their history at 5 minutes, and what was learnt of it."""

    def __init__(self, series: int) -> None:
        self.made = MadeUp(series, 0.0)
        self.frame = self.made.frame(WINDOW, STEP_SECONDS)
        self.history = self.made.frame(history_window(WINDOW), HISTORY_STEP_SECONDS)

    @cached_property
    def learnt(self) -> Learnt:
        """State as it is stored."""
        learnt = learn(self.history, self.made.pack)
        assert learnt is not None
        return learnt

    @property
    def profile(self) -> SeasonalProfile:
        """The profile of the state."""
        return self.learnt.profile

    def copy(self) -> None:
        """The yardstick: every value of the frame read and written once."""
        np.copyto(self._copy, self.frame.values)

    @cached_property
    def _copy(self) -> FloatArray:
        return np.empty_like(self.frame.values)

    def robust_score(self) -> FloatArray:
        """The highest deviation of each series' day, all columns, in spreads of its profile."""
        highest = np.empty(len(self.frame.keys), dtype=np.float32)

        def keep_highest(rows: slice, deviations: FloatArray) -> None:
            highest[rows] = np.fmax(np.fmax.reduce(deviations, axis=1), -np.fmin.reduce(deviations, axis=1))

        self.profile.judge_in_pieces(self.frame, keep_highest)
        return highest

    def screen(self) -> FloatArray:
        """Every screen's scores as scans call them: on the columns of the history's grid, the highest that lasts."""
        points = decimated(self.frame, self.profile.slot_seconds)
        rules = RowRules.of(self.frame.keys, self.made.pack, points.step_seconds)
        part = Part(np.arange(len(points.keys)), points, self.profile, rules)
        return maxima_of_day(Gauges(screens()), part)

    def screen_all_columns(self) -> FloatArray:
        """The same screens on all columns, of which scans judge a tenth: (series, screens)."""
        highest = np.empty((len(self.frame.keys), len(screens())), dtype=np.float32)

        def keep_highest(rows: slice, deviations: FloatArray) -> None:
            profile = self.profile.select(rows)
            for place, screen in enumerate(screens()):
                scores = np.abs(screen.signed(deviations, profile, self.frame.step_seconds))
                highest[rows, place] = np.fmax.reduce(scores, axis=1)

        self.profile.judge_in_pieces(self.frame, keep_highest)
        return highest

    def scan(self) -> None:
        """All that a scan does in memory: every detector of the screen, chances, outlines."""
        detect(self.frame, self.learnt, self.made.pack, Sensitivity.MEDIUM)

    def learn_profiles(self) -> None:
        """Profiles alone."""
        fit_profile(self.frame, self.history)

    def learn_all(self) -> None:
        """Profiles, habits, and chances of scores from every day of the past."""
        learn(self.history, self.made.pack)


def main() -> dict[str, Any]:
    """Measures, and prints the table."""
    judged = Judged(SERIES)
    few = list(range(_SHORTLISTED))
    frame, history = judged.frame.select(few), judged.history.select(few)
    rows = [
        (timed("memory copy of the frame", SERIES, judged.copy), None),
        (timed("seasonal robust score, all columns", SERIES, judged.robust_score, memory=True), 60_000),
        (timed("whole screen, history's grid (as scans do)", SERIES, judged.screen, repeats=3, memory=True), 20_000),
        (timed("whole screen, all columns", SERIES, judged.screen_all_columns, repeats=3, memory=True), 20_000),
        (timed("judging in a scan: all kinds, chances", SERIES, judged.scan, repeats=3, memory=True), None),
        (timed("learning profiles, 14 days at 5 min", SERIES, judged.learn_profiles, repeats=3), 8_000),
        (timed("learning all state, with calibration", SERIES, judged.learn_all, repeats=1), None),
        (timed("subspace detector", _SHORTLISTED, lambda: SubspaceWindows().score(frame, history), repeats=3), 1_000),
    ]
    _show(rows, judged.frame.values.nbytes)
    return {"rows": [{**asdict(row), "wanted": wanted} for row, wanted in rows]}


def _show(rows: list[tuple[Row, int | None]], frame_bytes: int) -> None:
    table = Table(title=f"A day of {SERIES:,} series at 30 s against what was learnt of two weeks")
    columns = ("series/s", f"of {CORES} free cores", "wanted", "memory copies", "peak memory / frame")
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    copy = rows[0][0]
    for row, wanted in rows:
        table.add_row(
            row.name,
            f"{row.rate:,.0f}",
            f"{row.rate_of_cores:,.0f}",
            "" if wanted is None else f"{wanted:,}",
            f"{row.cpu_seconds / row.series / (copy.cpu_seconds / copy.series):,.1f}",
            "" if row.memory is None else f"{1 + row.memory / frame_bytes:.2f} (at most {_MOST_MEMORY})",
        )
    console = Console(width=120)
    console.print(table)
    console.print(f"The whole screen is {', '.join(each.name for each in screens())}.")
    console.print(
        "Rates of free cores are what processor time allows; peak memory is of arrays, the frame's counted in."
    )
