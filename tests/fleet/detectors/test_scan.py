"""A frame judged as a whole."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from fleet.detectors.catalogue import screens
from fleet.detectors.contract import Anomaly, FloatArray, Sensitivity
from fleet.detectors.families import Gauges, points_ahead
from fleet.detectors.learnt import learn
from fleet.detectors.learnt_state import state_of
from fleet.detectors.part import Part
from fleet.detectors.profile.grid import decimated
from fleet.detectors.profile.seasonal import fit_profile
from fleet.detectors.rules import RowRules
from fleet.detectors.scan import detect
from fleet.detectors.vanished import last_seen, with_last_seen, with_vanished
from fleet.detectors.whole import Whole
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import Direction, QueryKind, SubjectLabels
from fleet.inventory.subject import SubjectKind
from tests.fleet.detectors.series import (
    DAY_POINTS,
    GAUGES,
    NOW,
    keys_of,
    pack_of,
    points,
    query,
    quiet,
    split,
    wandering,
)

PLANTED = slice(1500, 1800)


def found(frame: Frame, history: Frame | None, sensitivity: Sensitivity = Sensitivity.MEDIUM) -> list[Anomaly]:
    return detect(frame, learn(history, GAUGES, frame.start), GAUGES, sensitivity)


@pytest.fixture(scope="module")
def usual() -> tuple[Frame, Frame]:
    frame, history = split(quiet(30), "gauge")
    frame.values.flags.writeable = False
    return frame, history


def with_jump(frame: Frame, query_id: str, height: float, where: slice = PLANTED) -> Frame:
    values = frame.values.copy()
    values[0, where] += height
    return Frame(frame.start, 30, keys_of(query_id, len(values)), values)


def renamed(frame: Frame, query_id: str) -> Frame:
    return Frame(frame.start, frame.step_seconds, keys_of(query_id, len(frame.keys)), frame.values)


def test_a_quiet_day_has_no_anomaly(usual: tuple[Frame, Frame]) -> None:
    assert found(*usual) == []
    assert found(usual[0], None) == []


def test_a_jump_is_found_with_its_ends_side_and_what_was_usual(usual: tuple[Frame, Frame]) -> None:
    frame, history = usual
    (anomaly,) = found(with_jump(frame, "gauge", 8.0), history)
    assert anomaly.row == 0
    assert anomaly.sign == 1
    assert abs(anomaly.first - PLANTED.start) <= 4
    assert abs(anomaly.last - (PLANTED.stop - 1)) <= 4
    low, middle, high = anomaly.baseline
    assert low < middle < high < anomaly.observed
    assert anomaly.score > anomaly.threshold
    assert anomaly.p_value is not None
    assert 0 < anomaly.p_value < 1e-4
    assert "robust-zscore" in anomaly.detectors


@pytest.mark.parametrize(("query_id", "height", "expected"), [("gauge", -8, 0), ("both", -8, 1), ("falls", -8, 1)])
def test_only_the_side_that_hurts_counts(
    usual: tuple[Frame, Frame], query_id: str, height: float, expected: int
) -> None:
    frame, history = usual
    anomalies = found(with_jump(frame, query_id, height), renamed(history, query_id))
    assert [anomaly.sign for anomaly in anomalies] == [-1] * expected


def test_context_and_unknown_queries_are_left_out(usual: tuple[Frame, Frame]) -> None:
    frame, history = usual
    for query_id in ("context", "elsewhere"):
        assert found(with_jump(frame, query_id, 50.0), renamed(history, query_id)) == []


def test_a_spike_of_two_samples_is_no_finding(usual: tuple[Frame, Frame]) -> None:
    frame, history = usual
    assert found(with_jump(frame, "gauge", 50.0, slice(1500, 1502)), history, Sensitivity.EXTREME) == []


def test_two_stretches_far_apart_are_two_and_near_ones_are_one(usual: tuple[Frame, Frame]) -> None:
    frame, history = usual
    values = frame.values.copy()
    values[0, 500:560] += 8
    values[0, 580:640] += 8
    values[0, 2000:2100] += 8
    anomalies = found(Frame(frame.start, 30, frame.keys, values), history)
    assert [(anomaly.first > 1000) for anomaly in anomalies] == [False, True]
    assert anomalies[0].last >= 635


def test_a_ramp_is_found_near_its_beginning_and_to_its_end(usual: tuple[Frame, Frame]) -> None:
    frame, history = usual
    values = frame.values.copy()
    values[0, 1000:2000] += np.linspace(0, 15, 1000, dtype=np.float32)
    (anomaly,) = found(Frame(frame.start, 30, frame.keys, values), history)
    assert anomaly.first < 1250
    assert anomaly.last >= 1990


def test_a_known_time_of_day_is_expected() -> None:
    values = quiet(20)
    every_night = np.arange(points()) % DAY_POINTS
    values[:, (every_night >= 240) & (every_night < 480)] += 12
    frame, history = split(values, "gauge")
    assert found(frame, history, Sensitivity.EXTREME) == []


def test_what_happens_on_this_weekday_every_week_is_expected() -> None:
    values = quiet(20)
    day = np.arange(points()) // DAY_POINTS
    hour = np.arange(points()) % DAY_POINTS
    values[:, (day % 7 == 0) & (hour > 1000) & (hour < 1200)] += 10
    frame, history = split(values, "gauge")
    assert found(frame, history, Sensitivity.HIGH) == []


def test_an_incident_in_the_past_does_not_hide_the_next_one(usual: tuple[Frame, Frame]) -> None:
    frame, history = usual
    values = history.values.copy()
    values[0, 3000:3012] += 8
    anomalies = found(with_jump(frame, "gauge", 12.0), Frame(history.start, 300, history.keys, values))
    assert [anomaly.row for anomaly in anomalies] == [0]


def test_a_slow_drift_is_followed() -> None:
    values = quiet(20) + np.linspace(0, 30, points(), dtype=np.float32)
    frame, history = split(values, "gauge")
    assert found(frame, history) == []


def test_a_constant_ratio_that_moves_a_little_is_no_finding() -> None:
    values = np.full((20, points()), 0.4, dtype=np.float32)
    values[0, -1000:] = 0.41
    values[1, -1000:] = 0.55
    frame, history = split(values, "ratio")
    assert [anomaly.row for anomaly in found(frame, history)] == [1]


def test_bounds_of_the_pack() -> None:
    """Critical counts even where it is usual; a warning bound alone does not."""
    values = (0.93 + 0.005 * wandering(np.random.default_rng(2), 20, points(), 0.9)).astype(np.float32)
    values[0] += 0.055
    frame, history = split(values, "ratio")
    (anomaly,) = found(frame, history)
    assert anomaly.row == 0
    assert anomaly.detectors == ("threshold",)
    assert anomaly.last - anomaly.first > 2800


def test_what_fills_up_is_told_with_the_time_that_is_left() -> None:
    time = np.arange(points()) / DAY_POINTS - 14
    values = 0.4 + 0.005 * wandering(np.random.default_rng(3), 20, points(), 0.9)
    values[0] += 0.55 * np.maximum(time - 0.25, 0)
    frame, history = split(values.astype(np.float32), "ratio")
    (anomaly,) = found(frame, history)
    assert anomaly.row == 0
    assert "saturation" in anomaly.detectors
    assert anomaly.last == frame.points - 1
    assert anomaly.seconds_to_full is not None
    low, high = anomaly.seconds_to_full
    assert low < (1 - values[0, -1]) / 0.55 * 86_400 < high < 86_400
    stopped = Frame(frame.start, 30, frame.keys, frame.values.copy())
    stopped.values[0, 1800:] = stopped.values[0, 1800]
    assert all(each.seconds_to_full is None for each in found(stopped, history))


def test_a_new_series_is_judged_by_critical_bounds_alone(usual: tuple[Frame, Frame]) -> None:
    frame, _ = usual
    grown = Frame(frame.start, 30, keys_of("ratio", 30), frame.values / 100)
    elsewhere = Frame(NOW - timedelta(days=14), 300, keys_of("gauge", 1), np.ones((1, 4032), dtype=np.float32))
    values = grown.values.copy()
    values[0, PLANTED] = 0.6
    values[1, PLANTED] = 0.99
    anomalies = found(Frame(frame.start, 30, grown.keys, values), elsewhere)
    assert [anomaly.row for anomaly in anomalies] == [1]


def test_without_history_the_frames_own_level_counts(usual: tuple[Frame, Frame]) -> None:
    frame, _ = usual
    flat = Frame(frame.start, 30, frame.keys, (10 + 0.1 * frame.values).astype(np.float32))
    (anomaly,) = found(with_jump(flat, "gauge", 10.0), None)
    assert anomaly.row == 0
    assert abs(anomaly.first - PLANTED.start) <= 10


def test_counts_of_few_events_are_judged_against_all_like_series() -> None:
    rng = np.random.default_rng(4)
    events = rng.poisson(0.1 / DAY_POINTS, (60, points()))
    total = np.cumsum(events, axis=1)
    values = total.astype(np.float32)
    values[:, 20:] -= total[:, :-20]
    frame, history = split(values, "count")
    frame.values[:] = 0
    frame.values[0, 100:120] = 1.05
    frame.values[1, 100:400] = 7.0
    assert [anomaly.row for anomaly in found(frame, history)] == [1]


def test_one_event_in_two_years_of_like_series_needs_extreme_sensitivity() -> None:
    frame, history = split(np.zeros((60, points()), dtype=np.float32), "count")
    frame.values[3, 100:110] = 1.05
    learnt = learn(history, GAUGES, frame.start)
    whole = Whole(5000, np.zeros(frame.points, dtype=bool))
    assert detect(frame, learnt, GAUGES, Sensitivity.MEDIUM, whole=whole) == []
    assert [each.row for each in detect(frame, learnt, GAUGES, Sensitivity.EXTREME, whole=whole)] == [3]


def test_what_a_reset_hides_is_hidden_in_the_judged_day_as_in_its_past() -> None:
    """A frame has ten times as many samples as a history, and would lose a tenth as much."""
    pack = pack_of(query("total", QueryKind.COUNTER, Direction.UP))
    events = np.random.default_rng(7).poisson(150, (20, points()))
    today = 14 * DAY_POINTS
    events[:2, today + 1600 : today + 1620] *= 2
    totals = np.cumsum(events, axis=1)
    totals[0, today + 1609 :] -= totals[0, today + 1609]
    frame, history = split(totals.astype(np.float32), "total")
    coarse = Frame(frame.start, 300, frame.keys, np.ascontiguousarray(frame.values[:, ::10]))
    learnt = learn(history, pack)
    scores = [
        [(each.row, each.score) for each in detect(day, learnt, pack, Sensitivity.LOW)] for day in (frame, coarse)
    ]
    assert scores[0] == scores[1]
    assert [row for row, _ in scores[0]] == [1]


def test_a_counter_that_falls_at_its_reset_and_stays_low_is_found() -> None:
    pack = pack_of(query("total", QueryKind.COUNTER, Direction.DOWN))
    events = np.random.default_rng(7).poisson(150, (20, points()))
    today = 14 * DAY_POINTS
    events[:2, today + 1600 : today + 1660] //= 4
    totals = np.cumsum(events, axis=1)
    totals[0, today + 1600 :] -= totals[0, today + 1600]
    frame, history = split(totals.astype(np.float32), "total")
    held, seen = detect(frame, learn(history, pack), pack, Sensitivity.LOW)
    assert (held.row, seen.row) == (0, 1)
    assert held.first > seen.first
    assert held.last == pytest.approx(seen.last, abs=10)


def test_a_state_that_leaves_its_level_for_good() -> None:
    frame, history = split(np.ones((20, points()), dtype=np.float32), "state")
    frame.values[0, 1000:1100] = 0
    frame.values[1, 1000:1006] = 0
    (anomaly,) = found(frame, history)
    assert (anomaly.row, anomaly.sign, anomaly.observed) == (0, -1, 0.0)
    assert abs(anomaly.first - 1000) <= 3


def test_restless_states_are_no_news() -> None:
    values = np.ones((20, points()), dtype=np.float32)
    rng = np.random.default_rng(5)
    for row in range(20):
        for start in rng.integers(0, points(14), 8):
            values[row, start : start + 100] = 0
    values[0, -2000:-1900] = 0
    frame, history = split(values, "state")
    assert found(frame, history) == []


@pytest.fixture
def several(usual: tuple[Frame, Frame]) -> tuple[Frame, Frame]:
    frame, history = usual
    return Frame(frame.start, 30, frame.keys, frame.values.copy()), history


def test_a_series_that_vanishes(several: tuple[Frame, Frame]) -> None:
    frame, history = several
    frame.values[0, 1003:1100] = np.nan
    frame.values[1, 1000:1006] = np.nan
    (anomaly,) = found(frame, history)
    assert (anomaly.row, anomaly.sign, anomaly.first, anomaly.last) == (0, 0, 1003, 1099)
    assert np.isnan(anomaly.observed)
    assert anomaly.detectors == ("staleness",)


def test_everything_gone_at_once_is_blindness_and_no_finding(several: tuple[Frame, Frame]) -> None:
    frame, history = several
    frame.values[:25, 1000:1100] = np.nan
    assert found(frame, history) == []


def test_who_comes_back_late_from_a_blindness_was_not_gone_all_the_time(several: tuple[Frame, Frame]) -> None:
    """Counters are: their first rates are known five minutes after their first samples."""
    frame, history = several
    frame.values[:, 1000:1240] = np.nan
    frame.values[:12, 1240:1250] = np.nan
    assert found(frame, history, Sensitivity.EXTREME) == []
    frame.values[0, 1240:1340] = np.nan
    assert [anomaly.row for anomaly in found(frame, history)] == [0]


def test_a_window_in_which_nothing_was_seen_is_blindness(several: tuple[Frame, Frame]) -> None:
    frame, history = several
    frame.values[:] = np.nan
    assert found(frame, history, Sensitivity.EXTREME) == []


def test_infinite_values_are_gaps_and_no_part_of_what_was_before(several: tuple[Frame, Frame]) -> None:
    """The medians of the hour still tell of half an hour that was high, when there is no number any more."""
    frame, history = several
    frame.values[:, :60] += 1.5
    frame.values[:, 70:400] = np.inf
    anomalies = found(frame, history, Sensitivity.EXTREME)
    assert all(np.isfinite(anomaly.observed) and anomaly.first < 70 for anomaly in anomalies)


def test_what_rests_at_zero_may_jump_by_a_terabyte() -> None:
    frame, history = split(np.zeros((20, points()), dtype=np.float32), "gauge")
    frame.values[0, PLANTED] = 1e12
    (anomaly,) = found(frame, history)
    assert (anomaly.row, anomaly.first, anomaly.last) == (0, PLANTED.start, PLANTED.stop - 1)
    assert np.isfinite(anomaly.score)


def test_series_that_often_have_gaps_may_have_another(several: tuple[Frame, Frame]) -> None:
    frame, history = several
    frame.values[0, 1003:1100] = np.nan
    values = history.values.copy()
    values[0, 500:520] = np.nan
    assert found(frame, Frame(history.start, 300, history.keys, values)) == []


def test_pods_may_go(several: tuple[Frame, Frame]) -> None:
    frame, history = several
    frame.values[0, 1003:] = np.nan
    labels = SubjectLabels(kind=SubjectKind.CONTAINER, name="instance", namespace="instance", part="instance")
    pack = pack_of(query("gauge", subject=labels))
    assert detect(frame, learn(history, pack), pack, Sensitivity.EXTREME) == []


def test_a_series_gone_for_a_whole_window_is_still_missed(usual: tuple[Frame, Frame]) -> None:
    frame, history = usual
    hour = Frame(frame.start, 30, frame.keys[1:], np.ascontiguousarray(frame.values[1:, :120]))
    assert found(hour, history) == []
    learnt = learn(history, GAUGES)
    assert learnt is not None
    state = with_last_seen(state_of(learnt), last_seen(history))
    whole = with_vanished(hour, state, lambda key: True)
    assert whole.keys[: len(hour.keys)] == hour.keys
    (anomaly,) = found(whole, history)
    assert (whole.keys[anomaly.row], anomaly.sign, anomaly.first, anomaly.last) == (frame.keys[0], 0, 0, 119)
    assert with_vanished(frame, state, lambda key: True) is frame
    assert with_vanished(hour, state, lambda key: key != frame.keys[0]) is hour


def test_the_same_frame_gives_the_same_anomalies(usual: tuple[Frame, Frame]) -> None:
    frame, history = usual
    jumped = with_jump(frame, "gauge", 8.0)
    assert found(jumped, history) == found(jumped, history)


def test_higher_sensitivity_finds_at_least_as_much(usual: tuple[Frame, Frame]) -> None:
    frame, history = usual
    values = frame.values.copy()
    for row, height in enumerate(np.linspace(1, 8, 30)):
        values[row, PLANTED] += height
    counts = [len(found(Frame(frame.start, 30, frame.keys, values), history, each)) for each in Sensitivity]
    assert counts == sorted(counts)
    assert 0 < counts[0] < counts[-1]


def test_an_empty_frame_a_minute_and_an_hour() -> None:
    assert found(Frame(NOW, 30, [], np.zeros((0, 120), dtype=np.float32)), None) == []
    frame, history = split(quiet(20), "gauge")
    minute = Frame(frame.time_at(1), 30, frame.keys, np.ascontiguousarray(frame.values[:, 1:3]))
    assert found(minute, history) == []
    assert found(minute, None) == []
    hour = Frame(NOW, 30, frame.keys, np.ascontiguousarray(frame.values[:, :120]))
    assert found(hour, history) == []
    assert found(hour, None) == []
    hour.values[0, 60:] += 8
    assert [anomaly.row for anomaly in found(hour, history)] == [0]


def test_what_is_found_in_any_hour_is_found_in_the_day(usual: tuple[Frame, Frame]) -> None:
    """So that 24 scans of an hour have the budget of a day, and not each of them."""
    frame, history = usual
    values = frame.values.copy()
    for row, height in enumerate(np.linspace(0.5, 8, 30)):
        values[row, PLANTED] += height
    learnt = learn(history, GAUGES)
    hours = [
        Frame(frame.time_at(first), 30, frame.keys, np.ascontiguousarray(values[:, first : first + 120]))
        for first in range(0, DAY_POINTS, 120)
    ]
    day = detect(Frame(frame.start, 30, frame.keys, values), learnt, GAUGES, Sensitivity.EXTREME)
    rows = {anomaly.row for hour in hours for anomaly in detect(hour, learnt, GAUGES, Sensitivity.EXTREME)}
    assert 3 < len(rows) <= len({anomaly.row for anomaly in day})
    assert rows <= {anomaly.row for anomaly in day}


def test_days_of_a_window_from_noon_to_noon_are_judged_apart() -> None:
    """That a weekend begins at midnight is no trend, and what goes on over midnight is one story."""
    values, saturday = quiet(30), 14 * DAY_POINTS
    values[:, np.arange(points()) // DAY_POINTS % 7 < 2] *= 0.5
    values[0, saturday - 300 : saturday + 300] += 8
    start, noon = NOW - timedelta(days=12), saturday - DAY_POINTS // 2
    keys = keys_of("both", 30)
    history = Frame(start, 300, keys, np.ascontiguousarray(values[:, : 13 * DAY_POINTS : 10]))
    window = Frame(start + timedelta(days=13.5), 30, keys, np.ascontiguousarray(values[:, noon : noon + DAY_POINTS]))
    anomalies = found(window, history)
    assert {anomaly.row for anomaly in anomalies} == {0}
    (anomaly,) = (each for each in anomalies if each.sign > 0)
    assert abs(noon + anomaly.first - (saturday - 300)) <= 4
    assert abs(noon + anomaly.last - (saturday + 299)) <= 4
    assert len(set(anomaly.detectors)) == len(anomaly.detectors)


def hour_of(frame: Frame, number: int, *, reach: int = 24) -> tuple[Frame, datetime]:
    """An hour of a day with so many hours before it, as far as the day has them, and when the hour begins."""
    first = number * 120
    begins = max(0, first - reach * 120)
    values = np.ascontiguousarray(frame.values[:, begins : first + 120])
    return Frame(frame.time_at(begins), 30, frame.keys, values), frame.time_at(first)


class Extents(dict[int, tuple[datetime, datetime]]):
    """From when to when each row has anomalies."""

    def add(self, frame: Frame, anomalies: list[Anomaly]) -> None:
        for anomaly in anomalies:
            first, last = frame.time_at(anomaly.first), frame.time_at(anomaly.last)
            known = self.get(anomaly.row, (first, last))
            self[anomaly.row] = min(first, known[0]), max(last, known[1])


def test_hours_that_know_what_was_before_find_together_what_the_day_finds(usual: tuple[Frame, Frame]) -> None:
    """Long and short, within an hour and over its end, where the middle of an hour or what comes after it counts."""
    frame, history = usual
    values = frame.values.copy()
    planted = [slice(1500, 1800), slice(1520, 1545), slice(1330, 1430), slice(1430, 1465), slice(900, 1700)]
    for row, height in enumerate(np.linspace(0.8, 3, 30)):
        values[row, planted[row % 5]] += height
    whole, learnt = Frame(frame.start, 30, frame.keys, values), learn(history, GAUGES)
    of_day, of_hours, of_bare_hours = Extents(), Extents(), Extents()
    of_day.add(whole, detect(whole, learnt, GAUGES, Sensitivity.EXTREME))
    for number in range(24):
        for reach, extents in ((24, of_hours), (0, of_bare_hours)):
            hour, since = hour_of(whole, number, reach=reach)
            extents.add(hour, detect(hour, learnt, GAUGES, Sensitivity.EXTREME, since=since))
    assert of_hours == of_day
    assert 3 < len(of_bare_hours) < len(of_day)


def test_an_hour_has_the_scores_of_its_day_as_far_as_they_can_be_known(usual: tuple[Frame, Frame]) -> None:
    frame, history = usual
    family, rules = Gauges(screens()), RowRules.of(frame.keys, GAUGES, 300)
    points, profile = decimated(frame, 300), fit_profile(frame, history)

    def scores(begins: int, first: int, end: int) -> list[FloatArray]:
        values = np.ascontiguousarray(points.values[:, begins:end])
        cut = Frame(points.time_at(begins), 300, points.keys, values)
        return list(family.of_frame(Part(np.arange(len(points.keys)), cut, profile, rules, first)).signed)

    of_day, since_midnight, alone = scores(0, 0, 288), scores(0, 108, 120), scores(108, 0, 120)
    contexts = [screen.context_seconds[0] // 300 for screen in family.screens]
    for place, (late, before) in enumerate(zip(points_ahead(family, 300), contexts, strict=True)):
        np.testing.assert_array_equal(since_midnight[place][:, : 120 - late], of_day[place][:, : 120 - late])
        assert np.isnan(since_midnight[place][:, 120 - late :]).all()
        # What begins within a day has seen too little at first.
        assert np.isnan(alone[place][:, :before]).all()


def test_what_is_over_before_an_hour_is_not_told_in_it(usual: tuple[Frame, Frame]) -> None:
    """The medians of the hour before still tell of it; what goes on is told from where it began."""
    frame, history = usual
    learnt = learn(history, GAUGES)
    hour, noon = hour_of(with_jump(frame, "gauge", 8.0, slice(1200, 1430)), 12)
    assert detect(hour, learnt, GAUGES, Sensitivity.EXTREME, since=noon) == []
    hour, noon = hour_of(with_jump(frame, "gauge", 8.0, slice(1200, 1500)), 12)
    (anomaly,) = detect(hour, learnt, GAUGES, Sensitivity.EXTREME, since=noon)
    assert abs(anomaly.first - 1200) <= 4
    assert abs(anomaly.last - 1499) <= 4


def test_kinds_of_one_frame_do_not_disturb_each_other(usual: tuple[Frame, Frame]) -> None:
    frame, history = usual
    state = np.ones((1, DAY_POINTS), dtype=np.float32)
    state[0, PLANTED] = 0
    keys = [*frame.keys, SeriesKey.of("state", {"instance": "node-0"})]
    past_keys = [*history.keys, keys[-1]]
    mixed = Frame(NOW, 30, keys, np.concatenate([with_jump(frame, "gauge", 8.0).values, state]))
    past = Frame(history.start, 300, past_keys, np.concatenate([history.values, np.ones((1, 4032), dtype=np.float32)]))
    anomalies = found(mixed, past)
    assert [(anomaly.row, anomaly.sign) for anomaly in anomalies] == [(0, 1), (30, -1)]


def test_queries_of_one_pack_may_have_any_kind_and_direction() -> None:
    """A counter that makes one step has had one moment of a rate, which is a spike."""
    kinds = [(kind, direction) for kind in QueryKind for direction in Direction]
    pack = pack_of(*(query(f"q{number}", kind, direction) for number, (kind, direction) in enumerate(kinds)))
    values = np.zeros((len(kinds), points()), dtype=np.float32)
    frame, history = split(values, "gauge")
    keys = [SeriesKey.of(f"q{number}", {"instance": "n"}) for number in range(len(kinds))]
    frame = Frame(frame.start, 30, keys, frame.values)
    frame.values[:, PLANTED] = 9
    learnt = learn(Frame(history.start, 300, keys, history.values), pack)
    anomalies = detect(frame, learnt, pack, Sensitivity.HIGH)
    up = {Direction.UP, Direction.BOTH}
    hurting = [
        number for number, (kind, direction) in enumerate(kinds) if direction in up and kind is not QueryKind.COUNTER
    ]
    assert [anomaly.row for anomaly in anomalies] == hurting
