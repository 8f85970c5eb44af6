"""Clusters of one version beside each other: one that has always been slow is found, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fleet.detectors.cohorts.clusters import ClusterLevels, FleetCompared, Level, cohort_of, compare_levels, too_few
from fleet.detectors.cohorts.figures import Figures
from fleet.detectors.contract import Sensitivity
from fleet.detectors.learnt import learn
from fleet.detectors.scan import detect
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import Direction, QueryKind, SubjectLabels
from fleet.inventory.inventory import Inventory
from fleet.inventory.node import Node
from fleet.inventory.subject import Subject, SubjectKind
from tests.fleet.detectors.series import DAY_POINTS, NOW, Values, pack_of, points, query, split, wandering

CLUSTERS, METRICS, SPREAD = 20, 40, 0.08
SLOW, FSYNC = 7, "etcd_fsync_p99"
COMPONENT = SubjectLabels(kind=SubjectKind.COMPONENT, name="component", part="instance")
NAMES = [FSYNC, *(f"metric_{number}" for number in range(1, METRICS))]
PACK = pack_of(*(query(name, subject=COMPONENT, unit="seconds") for name in NAMES))


def fleet_of(logs: Values, usual: Values | None = None, cohort: str = "openshift 4.18") -> list[ClusterLevels]:
    """Clusters of one cohort with these logarithms of their levels, (clusters, metrics); NaN is not seen."""
    return [
        ClusterLevels(
            cluster_id=f"c{number}",
            cohort=cohort,
            levels=[
                Level(
                    query_id=name,
                    subject=Subject(cluster_id=f"c{number}", kind=SubjectKind.COMPONENT, name="etcd"),
                    now=0.01 * np.exp(now),
                    usual=None if usual is None else 0.01 * np.exp(usual[number, column]),
                )
                for column, (name, now) in enumerate(zip(NAMES, row, strict=False))
                if np.isfinite(now)
            ],
        )
        for number, row in enumerate(logs)
    ]


def drawn(rng: np.random.Generator, clusters: int = CLUSTERS, metrics: int = METRICS) -> Values:
    return SPREAD * rng.standard_normal((clusters, metrics))


def with_slow(logs: Values, ratio: float = 1.8, cluster: int = SLOW, metrics: int | slice = 0) -> Values:
    logs = logs.copy()
    logs[cluster, metrics] += np.log(ratio)
    return logs


def found(compared: FleetCompared) -> set[tuple[str, str]]:
    return {(outlier.subject.cluster_id, outlier.query_id) for outlier in compared.outliers}


def compared(logs: Values) -> set[tuple[str, str]]:
    return found(compare_levels(fleet_of(logs), {}, PACK))


def test_a_cluster_that_is_slow_since_its_install_is_found_by_its_like() -> None:
    hits = [compare_levels(fleet_of(with_slow(drawn(np.random.default_rng(seed)))), {}, PACK) for seed in range(20)]
    flagged = [each for each in hits if (f"c{SLOW}", FSYNC) in found(each)]
    assert len(flagged) >= 19
    assert all(len(each.outliers) == 1 for each in flagged)
    (outlier,) = flagged[0].outliers
    assert outlier.q_value < 0.01
    assert outlier.p_value < outlier.q_value
    assert (outlier.sign, outlier.seen, outlier.known) == (1, CLUSTERS, CLUSTERS)
    assert outlier.value / outlier.centre == pytest.approx(1.8, rel=0.25)
    assert outlier.low < outlier.centre < outlier.high < outlier.value
    assert {query_id for query_id, _ in flagged[0].judged["c0"]} == set(NAMES)


@pytest.mark.parametrize("sensitivity", Sensitivity)
def test_no_detector_of_single_series_sees_it(sensitivity: Sensitivity) -> None:
    rng = np.random.default_rng(1)
    usual = 0.01 * np.exp(0.05 * wandering(rng, CLUSTERS, points(), 0.9))
    usual[SLOW] *= 1.8
    frame, history = split(usual, FSYNC)
    assert detect(frame, learn(history, PACK), PACK, sensitivity) == []
    levels = Figures.of(frame)
    assert levels.now[SLOW] / np.median(levels.now) == pytest.approx(1.8, rel=0.1)


def test_without_it_nothing_is_flagged() -> None:
    assert sum(bool(compared(drawn(np.random.default_rng(seed)))) for seed in range(100)) <= 5


@pytest.mark.parametrize(
    ("spread", "draws"),
    [
        (lambda rng: SPREAD * rng.standard_t(3, (CLUSTERS, METRICS)), 15),
        (lambda rng: SPREAD * rng.laplace(size=(CLUSTERS, METRICS)), 15),
        (lambda rng: np.exp(rng.uniform(np.log(0.02), np.log(0.6), METRICS)) * drawn(rng) / SPREAD, 15),
        (lambda rng: drawn(rng) / 2 + 2 * SPREAD * rng.standard_normal((CLUSTERS, 1)), 15),
    ],
    ids=["heavy tails", "exponential tails", "wide and narrow metrics", "metrics that move together"],
)
def test_other_ways_in_which_quiet_fleets_vary(spread: Callable[[np.random.Generator], Values], draws: int) -> None:
    assert sum(bool(compared(spread(np.random.default_rng(seed)))) for seed in range(draws)) <= 1


def test_a_slow_cluster_among_metrics_of_other_spreads() -> None:
    rng = np.random.default_rng(2)
    logs = drawn(rng) * np.exp(rng.uniform(np.log(0.5), np.log(8), METRICS))
    logs[:, 0] = drawn(rng)[:, 0]
    assert compared(with_slow(logs, 2.5)) == {(f"c{SLOW}", FSYNC)}


def test_two_slow_clusters_do_not_hide_each_other() -> None:
    logs = with_slow(with_slow(drawn(np.random.default_rng(3)), 2.2), 2.2, cluster=11)
    assert compared(logs) == {(f"c{SLOW}", FSYNC), ("c11", FSYNC)}


def test_a_cluster_that_is_slow_in_everything() -> None:
    logs = with_slow(drawn(np.random.default_rng(4)), metrics=slice(0, 30))
    assert compared(logs) == {(f"c{SLOW}", name) for name in NAMES[:30]}


def test_few_clusters_lend_each_other_their_spreads() -> None:
    logs = with_slow(drawn(np.random.default_rng(5), clusters=6), cluster=3, ratio=2.2)
    assert compared(logs) == {("c3", FSYNC)}
    alone = fleet_of(logs[:, :1])
    assert compare_levels(alone, {}, PACK).outliers == []


def test_nothing_is_said_of_fewer_than_five() -> None:
    logs = with_slow(drawn(np.random.default_rng(6), clusters=4), cluster=3, ratio=9)
    answer = compare_levels(fleet_of(logs), {}, PACK)
    assert (answer.outliers, answer.judged) == ([], {})
    strangers = [*fleet_of(logs), *fleet_of(logs + 1, cohort="openshift 4.19"), *fleet_of(logs, cohort="")]
    assert compare_levels(strangers, {}, PACK).judged == {}


def test_members_that_were_not_seen_are_counted_and_not_judged() -> None:
    logs = with_slow(drawn(np.random.default_rng(7)))
    logs[:4, 0] = np.nan
    fleet = fleet_of(logs)
    answer = compare_levels(fleet[:18], {"c18": "openshift 4.18", "c19": "openshift 4.18", "cx": ""}, PACK)
    (outlier,) = answer.outliers
    assert (outlier.subject.cluster_id, outlier.seen, outlier.known) == (f"c{SLOW}", 14, 20)
    assert FSYNC not in {query_id for query_id, _ in answer.judged["c0"]}
    assert "c19" not in answer.judged


def test_constant_metrics() -> None:
    logs = np.zeros((CLUSTERS, METRICS))
    assert compared(logs) == set()
    logs[SLOW, 0] = np.log(1.1)
    assert compared(logs) == set()
    logs[SLOW, 0] = np.log(1.8)
    assert compared(logs) == {(f"c{SLOW}", FSYNC)}


def test_what_began_in_the_window_is_not_said_of_the_like() -> None:
    usual = drawn(np.random.default_rng(8))
    now = usual + 0.01
    began = with_slow(now, 3)
    assert found(compare_levels(fleet_of(began, usual), {}, PACK)) == set()
    assert found(compare_levels(fleet_of(began, with_slow(usual, 3)), {}, PACK)) == {(f"c{SLOW}", FSYNC)}


def test_only_the_side_that_hurts() -> None:
    logs = with_slow(drawn(np.random.default_rng(9)), 1 / 2.5)
    assert compared(logs) == set()
    for direction in (Direction.DOWN, Direction.BOTH):
        both = pack_of(*(query(name, direction=direction, subject=COMPONENT) for name in NAMES))
        (outlier,) = compare_levels(fleet_of(logs), {}, both).outliers
        assert (outlier.subject.cluster_id, outlier.sign) == (f"c{SLOW}", -1)
    never = pack_of(*(query(name, direction=Direction.NONE, subject=COMPONENT) for name in NAMES))
    assert compare_levels(fleet_of(logs), {}, never).judged == {}


def test_shares_are_compared_by_points() -> None:
    shares = pack_of(*(query(name, QueryKind.RATIO, subject=COMPONENT, unit="ratio") for name in NAMES))
    fleet = fleet_of(np.full((CLUSTERS, METRICS), np.nan))
    rng = np.random.default_rng(10)
    for number, cluster in enumerate(fleet):
        for name in NAMES:
            now = float(np.clip(0.3 + 0.02 * rng.standard_normal(), 0, 1)) + (number == SLOW and name == FSYNC) * 0.3
            subject = Subject(cluster_id=cluster.cluster_id, kind=SubjectKind.COMPONENT, name="etcd")
            cluster.levels.append(Level(query_id=name, subject=subject, now=now))
    (outlier,) = compare_levels(fleet, {}, shares).outliers
    assert outlier.value - outlier.centre == pytest.approx(0.3, abs=0.06)


def test_the_levels_of_a_cluster() -> None:
    nodes = [Node(name=f"n{each}", roles=["worker"], cpu_cores=8) for each in range(3)]
    inventory = Inventory(
        cluster_id="c", observed_at=NOW, platform="openshift", version="v1.31.4", platform_version="4.18.7", nodes=nodes
    )
    pack = pack_of(
        query("fsync", subject=COMPONENT),
        query("load", subject=SubjectLabels(kind=SubjectKind.NODE, name="instance")),
        query("own", subject=SubjectLabels(kind=SubjectKind.CONTAINER, name="pod", namespace="ns", part="c")),
        query("events", QueryKind.COUNT, subject=COMPONENT),
    )
    labels = [("fsync", {"component": "etcd", "instance": f"10.0.0.{each}"}) for each in range(3)]
    labels += [("load", {"instance": f"n{each}"}) for each in range(3)]
    labels += [("own", {"pod": "p", "ns": "n", "c": "c"}), ("events", {"component": "etcd"})]
    values = np.arange(1, len(labels) + 1, dtype=np.float32)[:, None] * np.ones((1, 120), dtype=np.float32)
    values[2, 50:] = np.nan
    frame = Frame(NOW, 30, [SeriesKey.of(name, each) for name, each in labels], values)
    levels = ClusterLevels.of(Figures.of(frame), inventory, pack, "c")
    assert levels.cohort == "openshift 4.18"
    told = {(level.query_id, level.subject.display): (level.now, level.usual) for level in levels.levels}
    assert told == {
        ("fsync", "component etcd"): (1.5, None),
        ("load", "cluster worker 8 cores nodes"): (5.0, None),
    }
    assert ClusterLevels.model_validate_json(levels.model_dump_json()) == levels
    assert cohort_of(None) == ""


def test_figures_of_parts_are_those_of_the_whole() -> None:
    values = wandering(np.random.default_rng(0), 4, DAY_POINTS, 0.5)
    values[0, ::3] = np.nan
    values[1, 10:] = np.nan
    keys = [SeriesKey.of("q", {"n": str(row)}) for row in range(4)]
    frame = Frame(NOW, 30, keys, values)
    whole = Figures.of(frame, np.arange(4, dtype=np.float32))
    parts = Figures.joined([Figures.of(frame.select([row]), np.array([row], dtype=np.float32)) for row in range(4)])
    assert parts.keys == whole.keys
    np.testing.assert_array_equal(parts.now, whole.now)
    np.testing.assert_array_equal(parts.usual, whole.usual)
    np.testing.assert_allclose(whole.now[2:], np.median(values[2:, ::10], axis=1))
    assert np.isfinite(whole.now).tolist() == [True, False, True, True]


def test_clusters_with_too_few_like_them_are_named() -> None:
    alike = {f"c{number}": "openshift 4.18" for number in range(5)}
    few = {"d": "openshift 4.19", "e": "", "f": "openshift 4.19"}
    assert too_few({**alike, **few}) == {"openshift 4.19": ["d", "f"], "": ["e"]}
    assert too_few(alike) == {}
    assert too_few({"alone": "openshift 4.18"}) == {}
