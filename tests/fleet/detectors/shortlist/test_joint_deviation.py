"""All series of a subject judged together."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from fleet.detectors.shortlist.joint_deviation import JointDeviation
from fleet.detectors.shortlist.subjects import subjects_of
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryKind
from tests.fleet.detectors.series import NOW, Values, pack_of, query

DAY = 288
METRICS = ("cpu", "memory", "network", "disk")


def key_of(metric: str, node: int) -> SeriesKey:
    return SeriesKey.of(metric, {"instance": f"node-{node}"})


def machines(nodes: int, days: int = 8) -> tuple[Frame, Frame]:
    """Four metrics a node that follow one load, each with a little of its own; rows metric by metric."""
    rng = np.random.default_rng(4)
    load = rng.standard_normal((nodes, days * DAY))
    values = np.concatenate([10 + load + 0.2 * rng.standard_normal(load.shape) for _ in METRICS])
    keys = [key_of(metric, node) for metric in METRICS for node in range(nodes)]
    return at(values[:, -DAY:], keys), at(values[:, :-DAY], keys, days=days - 1)


def at(values: Values, keys: list[SeriesKey], *, days: int = 0) -> Frame:
    return Frame(NOW - timedelta(days=days), 300, keys, values.astype(np.float32))


PACK = pack_of(*(query(metric, QueryKind.GAUGE) for metric in METRICS))


def test_a_metric_that_leaves_the_others_is_found_where_alone_it_is_usual() -> None:
    frame, history = machines(3)
    network = frame.keys.index(key_of("network", 1))
    frame.values[network, 100:160] = 20 - frame.values[network, 100:160]
    scores = JointDeviation(subjects_of(PACK)).score(frame, history).values
    others = [row for row, key in enumerate(frame.keys) if key.label("instance") != "node-1"]
    assert np.nanmin(scores[network, 115:150]) > 3 * np.nanmax(scores[others])


def test_the_row_that_contributes_most_has_the_whole_score() -> None:
    frame, history = machines(2)
    disk = frame.keys.index(key_of("disk", 0))
    frame.values[disk, 100:160] += 4
    scores = JointDeviation(subjects_of(PACK)).score(frame, history).values[:, 130]
    rows = [frame.keys.index(key_of(metric, 0)) for metric in METRICS]
    assert int(np.argmax(scores)) == disk
    assert all(scores[row] < 0.7 * scores[disk] for row in rows if row != disk)


def test_series_of_queries_that_the_pack_lacks_are_unknown() -> None:
    frame, history = machines(1)
    scores = JointDeviation(subjects_of(pack_of(query("cpu")))).score(frame, history).values
    assert np.isfinite(scores[0]).all()
    assert np.isnan(scores[1:]).all()


def test_rows_of_one_subject_may_be_missing() -> None:
    frame, history = machines(1)
    frame.values[3] = np.nan
    frame.values[0, 50:60] = np.nan
    scores = JointDeviation(lambda key: "machine").score(frame, history).values
    assert np.isnan(scores[3]).all()
    assert np.isfinite(scores[1:3]).all()
