"""Charts: what is drawn, that peaks survive thinning, and that pictures are safe to stand in a page."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from fleet.detectors.contract import Baseline
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import (
    Direction,
    PackQuery,
    QueryKind,
    Severity,
    SignalGroup,
    SubjectLabels,
    Thresholds,
)
from fleet.frames.window import Window
from fleet.inventory.subject import SubjectKind
from fleet.reports.charts import COLUMNS, ChartSeries, Lane, draw_series, draw_timeline, extremes
from fleet.reports.content import Drawing
from tests.fleet.reports import materials


@pytest.fixture
def series() -> ChartSeries:
    of = materials.ordinary().findings[0]
    return replace(materials.chart(of, 1), anomalous=[of.window], changes=[of.window.start])


def parsed(drawing: Drawing) -> ElementTree.Element:
    return ElementTree.fromstring(  # noqa: S314 - our own drawing
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{drawing.body}</svg>'
    )


def test_thinning_keeps_the_least_the_greatest_and_the_gaps() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, 40_000)
    values[12_345], values[23_456] = 99.0, -99.0
    values[30_000:34_000] = np.nan
    values[5] = np.inf
    position, shown = extremes(values)
    assert len(shown) <= 2 * COLUMNS
    assert np.nanmax(shown) == 99.0 and np.nanmin(shown) == -99.0
    assert list(position) == sorted(set(position))
    assert np.isnan(shown[(position > 30_200) & (position < 33_800)]).all()
    assert not np.isinf(shown).any()


def test_short_series_are_drawn_whole() -> None:
    position, shown = extremes(np.array([1.0, np.nan, 3.0]))
    assert list(position) == [0, 1, 2] and shown[2] == 3.0 and np.isnan(shown[1])


def test_series_of_a_frame_row_with_its_baseline() -> None:
    values = np.arange(12, dtype=np.float32).reshape(2, 6)
    frame = Frame(materials.DAY.start, 30, [SeriesKey.of("q", {"pod": "a"}), SeriesKey.of("q", {"pod": "b"})], values)
    query = PackQuery(
        id="q",
        title="Title",
        group=SignalGroup.MEMORY,
        promql="q",
        unit="bytes",
        kind=QueryKind.GAUGE,
        direction=Direction.UP,
        subject=SubjectLabels(kind=SubjectKind.POD, name="pod"),
        severity=Severity.WARNING,
        needs=["q"],
        thresholds=Thresholds(warning=5),
    )
    made = ChartSeries.of(frame, 1, Baseline(values - 1, values, values + 1), query, fingerprint="f", subject="pod b")
    assert (
        list(made.values) == [6, 7, 8, 9, 10, 11] and made.high is not None and list(made.high) == list(made.values + 1)
    )
    assert made.window == Window(start=frame.start, end=frame.start + timedelta(minutes=3))
    assert (made.title, made.unit, made.thresholds.warning) == ("Title", "bytes", 5)


def test_band_stretch_threshold_and_change_are_drawn(series: ChartSeries) -> None:
    whole = draw_series(series).body
    for colour in ("#1f4e79", "#c4d7e8", "#b3261e", "#6a3d9a", "url(#"):
        assert colour in whole
    assert "#c4d7e8" not in draw_series(replace(series, low=None, high=None, middle=None)).body
    assert "#6a3d9a" not in draw_series(replace(series, changes=[])).body
    without = draw_series(replace(series, thresholds=Thresholds())).body
    assert whole.count("3.5,1.4") == without.count("3.5,1.4") + 2


def test_drawings_can_stand_side_by_side_in_a_page(series: ChartSeries) -> None:
    first, second = draw_series(series), draw_series(replace(series, changes=[]))
    ids = [[each.get("id") for each in parsed(drawing).iter() if each.get("id")] for drawing in (first, second)]
    assert not set(ids[0]) & set(ids[1]) and all(len(each) == len(set(each)) for each in ids)
    for drawing, own in zip((first, second), ids, strict=True):
        assert set(re.findall(r'(?:href="|url\()#([^")]+)', drawing.body)) == set(own)
        tags = {each.tag.rpartition("}")[2] for each in parsed(drawing).iter()}
        assert not tags & {"style", "script", "text", "image", "foreignObject", "a"}


def test_hostile_lanes_leave_no_text_in_the_picture() -> None:
    start = materials.DAY.start
    lanes = [Lane(name, start, None, Severity.WARNING) for name in materials.HOSTILE]
    body = draw_timeline(lanes, [start + timedelta(hours=1)], materials.DAY).body
    assert "alert" not in body and "evil" not in body and "frac" not in body
    assert parsed(draw_timeline(lanes, [], materials.DAY)) is not None


@pytest.mark.parametrize(
    "values", [[1.0], [np.nan] * 5, [np.inf, 1, 2], [0.0] * 50, [5.0] * 2, [1e30, -1e30], [1e-12, 2e-12]]
)
@pytest.mark.parametrize("unit", ["ratio", "bytes", "seconds", "count", "1/s"])
def test_odd_series_can_be_drawn(values: list[float], unit: str) -> None:
    odd = ChartSeries("f", "t", "s", unit, materials.DAY.start, 30, np.array(values, dtype=np.float32))
    assert parsed(draw_series(odd)) is not None


def test_threads_draw_the_same_and_settings_stay(series: ChartSeries) -> None:
    before = dict(matplotlib.rcParams)
    with ThreadPoolExecutor(4) as pool:
        drawn = set(pool.map(lambda _: draw_series(series).body, range(8)))
    assert drawn == {draw_series(series).body}
    assert dict(matplotlib.rcParams) == before
