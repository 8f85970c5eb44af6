"""Anomalies as findings."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from fleet.detectors.contract import Anomaly, Sensitivity
from fleet.findings.assess import ScanContext, findings_of
from fleet.findings.finding import Finding, FindingKind
from fleet.findings.wording import incident_title
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import (
    Direction,
    PackQuery,
    QueryKind,
    QueryPack,
    Severity,
    SignalGroup,
    SubjectLabels,
    Thresholds,
)
from fleet.frames.window import Window
from fleet.inventory.subject import SubjectKind
from tests.fleet.findings.scenes import CART, CLUSTER, NOW, finding, topology

CONTAINER = SubjectLabels(kind=SubjectKind.CONTAINER, name="pod", namespace="namespace", part="container")
NODE = SubjectLabels(kind=SubjectKind.NODE, name="instance")
DISK = SubjectLabels(kind=SubjectKind.DEVICE, name="instance", part="device")
ROUTE = SubjectLabels(kind=SubjectKind.ROUTE, name="route", namespace="namespace")
NAN = float("nan")


def query(query_id: str, title: str, subject: SubjectLabels, **fields: object) -> PackQuery:
    plain: dict[str, object] = {
        "group": SignalGroup.MEMORY,
        "promql": f"metric_{query_id}",
        "unit": "ratio",
        "kind": QueryKind.RATIO,
        "direction": Direction.UP,
        "severity": Severity.WARNING,
        "needs": ["metric"],
    }
    return PackQuery.model_validate({"id": query_id, "title": title, "subject": subject, **plain, **fields})


PACK = QueryPack(
    name="test",
    version=1,
    queries=[
        query(
            "memory",
            "Memory of a container against its limit",
            CONTAINER,
            severity=Severity.CRITICAL,
            thresholds=Thresholds(warning=0.9, critical=0.97),
        ),
        query("cpu", "CPU used, per node", NODE, severity=Severity.INFO),
        query("disk", "File system used", DISK),
        query("ready", "Node is ready", NODE, kind=QueryKind.STATE, unit="state", direction=Direction.DOWN),
        query("restarts", "Container restarts", CONTAINER, kind=QueryKind.COUNT, unit="count"),
        query("requests", "Requests", ROUTE, direction=Direction.BOTH, severity=Severity.INFO),
        query("success", "Share of successes", ROUTE, direction=Direction.DOWN),
    ],
)
KEYS = [
    SeriesKey.of("memory", {"namespace": "shop", "pod": "cart-6f7d8b9c4d-x2x1q", "container": "app"}),
    SeriesKey.of("memory", {"namespace": "shop", "pod": "cart-6f7d8b9c4d-zzzzz", "container": "app"}),
    SeriesKey.of("cpu", {"instance": "10.0.0.1:9100"}),
    SeriesKey.of("disk", {"instance": "10.0.0.1:9100", "device": "vda"}),
    SeriesKey.of("disk", {"instance": "10.0.0.1:9100", "device": "vdb"}),
    SeriesKey.of("ready", {"instance": "worker-2"}),
    SeriesKey.of("restarts", {"namespace": "shop", "pod": "cart-6f7d8b9c4d-x2x1q", "container": "app"}),
    SeriesKey.of("unheard", {}),
    SeriesKey.of("requests", {"namespace": "shop", "route": "cart"}),
    SeriesKey.of("success", {"namespace": "shop", "route": "cart"}),
]
FRAME = Frame(NOW, 30, KEYS, np.zeros((len(KEYS), 2880), dtype=np.float32))
CHUNKS = tuple(
    (Window(start=NOW + timedelta(hours=hour), end=NOW + timedelta(hours=hour + 1)), f"key-{hour}")
    for hour in range(24)
)


def anomaly(
    row: int,
    first: int = 240,
    last: int = 359,
    *,
    sign: int = 1,
    observed: float = 0.93,
    score: float = 20.0,
    detectors: tuple[str, ...] = ("robust-zscore",),
) -> Anomaly:
    usual = (NAN, NAN, NAN) if sign == 0 else (0.4, 0.475, 0.55)
    return Anomaly(row, first, last, score, 4.0, sign, NAN if sign == 0 else observed, usual, 1e-6, detectors)


def assessed(*anomalies: Anomaly, coverage: tuple[Coverage, ...] = ()) -> list[Finding]:
    context = ScanContext(
        CLUSTER,
        "scan-1",
        Sensitivity.MEDIUM,
        object_keys=CHUNKS,
        endpoint="https://prometheus.example",
        topology=topology(),
        coverage=coverage,
    )
    return findings_of(list(anomalies), FRAME, PACK, context)


def test_a_finding_says_what_where_when_and_on_what_evidence() -> None:
    (finding,) = assessed(anomaly(0))
    assert finding.title == (
        "Memory of a container against its limit reached 93% (usually 40–55%) "
        "on container shop/cart-6f7d8b9c4d-x2x1q/app"
    )
    assert finding.kind is FindingKind.ABOVE
    assert finding.severity is Severity.WARNING
    assert finding.window == Window(start=NOW + timedelta(hours=2), end=NOW + timedelta(hours=3))
    assert not finding.ongoing
    assert finding.subject.workload == "cart"
    assert (finding.observed, finding.baseline_low, finding.baseline_high) == (0.93, 0.4, 0.55)
    assert finding.series.object_keys == ["key-2"]
    assert finding.series.promql == "metric_memory"
    assert finding.series.endpoint == "https://prometheus.example"
    assert finding.sensitivity == "MEDIUM"


@pytest.mark.parametrize(
    ("row", "fields", "severity"),
    [
        (0, {"observed": 0.98, "detectors": ("threshold",)}, Severity.CRITICAL),
        (0, {"observed": 0.7}, Severity.WARNING),
        (2, {"score": 50.0}, Severity.INFO),
        (3, {"score": 50.0}, Severity.WARNING),
        (3, {"score": 5.0}, Severity.INFO),
    ],
)
def test_severity_follows_hint_bounds_and_strength(row: int, fields: dict[str, Any], severity: Severity) -> None:
    (finding,) = assessed(anomaly(row, **fields))
    assert finding.severity is severity


def test_the_pods_of_a_workload_make_one_finding_and_the_worst_speaks() -> None:
    (finding,) = assessed(anomaly(0), anomaly(1, 300, 420, score=90.0))
    assert finding.series.labels["pod"] == "cart-6f7d8b9c4d-zzzzz"
    assert finding.window.start == NOW + timedelta(hours=2)
    assert finding.window.end == NOW + timedelta(minutes=210, seconds=30)
    assert finding.series.object_keys == ["key-2", "key-3"]


def test_stretches_of_one_series_far_apart_are_findings_of_their_own() -> None:
    early, late = sorted(
        assessed(anomaly(0, 240, 359, score=90.0), anomaly(0, 2000, 2100)), key=lambda each: each.window.start
    )
    assert early.window.end == NOW + timedelta(hours=3)
    assert late.window.start == NOW + timedelta(seconds=2000 * 30)
    assert early.fingerprint == late.fingerprint
    assert early.id != late.id
    assert early.series.object_keys == ["key-2"]


def test_what_fills_up_is_told_with_the_time_that_is_left() -> None:
    (finding,) = assessed(replace(anomaly(0, 2000, 2879), seconds_to_full=(10_800.0, 18_000.0)))
    assert " reached 93% (usually 40–55%), full in 3–5 h, on container " in finding.title


def test_what_lasts_to_the_end_is_ongoing() -> None:
    (finding,) = assessed(anomaly(0, 2800, 2872))
    assert finding.ongoing


def test_fingerprints_survive_new_pods_and_tell_sides_apart() -> None:
    (before,), (after,) = assessed(anomaly(0)), assessed(anomaly(1))
    assert before.fingerprint == after.fingerprint
    more, less = assessed(anomaly(8)), assessed(anomaly(8, sign=-1))
    assert more[0].fingerprint != less[0].fingerprint
    assert " fell to 93%" in less[0].title


def test_only_the_side_that_hurts_makes_a_finding() -> None:
    """An idle node that does even less is well; a share of successes that falls is not."""
    assert assessed(anomaly(2, sign=-1, observed=0.01)) == []
    assert [each.query_id for each in assessed(anomaly(9, sign=-1))] == ["success"]
    assert assessed(anomaly(9)) == []


@pytest.mark.parametrize(
    ("fields", "severity", "word"),
    [
        ({"sign": 1, "observed": 2.0}, Severity.INFO, "overload"),
        ({"sign": -1, "observed": 0.2}, Severity.INFO, "do not get through"),
        ({"sign": -1, "observed": 0.01}, Severity.WARNING, "do not get through"),
    ],
)
def test_where_both_sides_may_hurt_a_finding_says_why(fields: dict[str, Any], severity: Severity, word: str) -> None:
    (finding,) = assessed(anomaly(8, **fields))
    assert word in finding.why
    assert finding.severity is severity
    assert finding.service_level


def test_a_new_pod_goes_on_with_the_finding_of_the_one_it_replaces() -> None:
    (finding,) = assessed(anomaly(0, 240, 359), anomaly(1, 380, 500))
    assert (finding.window.start, finding.window.end) == (
        NOW + timedelta(hours=2),
        NOW + timedelta(seconds=501 * 30),
    )


def test_states_and_counts_in_words() -> None:
    (state,) = assessed(anomaly(5, sign=-1, observed=0.0))
    assert state.title == "Node is ready: no, on node worker-2"
    (count,) = assessed(anomaly(6, observed=3.158))
    assert "Container restarts reached 3 " in count.title


def test_the_series_of_a_silent_exporter_are_one_finding_on_its_node() -> None:
    gaps = [anomaly(row, 240 + row, 359, sign=0, detectors=("staleness",)) for row in (3, 4, 2)]
    (finding,) = assessed(*gaps)
    assert finding.subject.kind is SubjectKind.NODE
    assert finding.subject.name == "worker-1"
    assert finding.kind is FindingKind.GAP
    assert finding.query_id == "cpu"
    assert finding.title == "3 series of node worker-1 gave no data for 59 min (CPU used and others)"
    assert finding.observed is None
    assert finding.baseline_middle is None
    assert finding.window.start == NOW + timedelta(hours=2, minutes=1)


def test_a_node_s_silence_is_one_finding_whichever_of_its_series_are_gone() -> None:
    marks = {
        assessed(*(anomaly(row, 240, 359, sign=0) for row in rows))[0].fingerprint for rows in ((2, 3, 4), (3, 4), (4,))
    }
    assert len(marks) == 1


def test_a_single_gap_and_one_long_after() -> None:
    (finding,) = assessed(anomaly(3, sign=0), anomaly(4, 2000, 2879, sign=0))[:1]
    assert finding.subject.kind is SubjectKind.DEVICE
    assert finding.ongoing
    assert finding.title.startswith("File system used has given no data for ")


def test_silence_from_the_first_sample_on_began_at_no_time_that_is_known() -> None:
    (undated,) = assessed(anomaly(3, 0, 359, sign=0), anomaly(4, 240, 359, sign=0))
    (dated,) = assessed(anomaly(3, 1, 359, sign=0))
    (value,) = assessed(anomaly(3, 0, 359))
    assert [each.undated for each in (undated, dated, value)] == [True, False, False]


def test_a_gap_that_we_did_not_see_is_no_finding() -> None:
    chunk = Coverage(
        cluster_id=CLUSTER,
        signal="metrics",
        collector="prometheus",
        window=CHUNKS[2][0],
        step_seconds=30,
        status=CoverageStatus.PARTIAL,
        queries=[QueryCoverage(query_id="disk", status=CoverageStatus.UNKNOWN)],
    )
    assert assessed(anomaly(3, sign=0), coverage=(chunk,)) == []
    assert len(assessed(anomaly(2, sign=0), anomaly(3), coverage=(chunk,))) == 2


def test_a_finding_shows_what_was_really_asked() -> None:
    chunks = tuple(
        Coverage(
            cluster_id=CLUSTER,
            signal="metrics",
            collector="prometheus",
            window=window,
            step_seconds=30,
            status=CoverageStatus.OK,
            queries=[QueryCoverage(query_id="disk", status=CoverageStatus.OK, promql=promql, series=1)],
        )
        for (window, _), promql in zip(CHUNKS, ("early", "", "older", "older"), strict=False)
    )
    finding = next(each for each in assessed(anomaly(3), coverage=chunks[2:]) if each.query_id == "disk")
    assert finding.series.promql == "older"
    upgraded = next(each for each in assessed(anomaly(3, 0, 2879), coverage=chunks) if each.query_id == "disk")
    assert upgraded.series.promql.splitlines()[::2] == ["early", "older"]
    assert assessed(anomaly(2))[0].series.promql


def test_queries_that_the_pack_lacks_are_left_out() -> None:
    assert assessed(anomaly(7)) == []
    assert assessed() == []


def test_the_worst_comes_first() -> None:
    findings = assessed(anomaly(2), anomaly(0, observed=0.99, detectors=("threshold",)), anomaly(3, score=90.0))
    assert [finding.severity for finding in findings] == [Severity.CRITICAL, Severity.WARNING, Severity.INFO]


def test_an_incident_is_named_without_figures_and_by_its_workload() -> None:
    spike = finding(CART, "node_cpu_util", 0)
    silence = finding(CART, "node_cpu_util", 0, kind=FindingKind.GAP)
    assert incident_title(spike, 0) == "What it is: unusually high on container shop/cart/cart"
    assert incident_title(silence, 2) == "No data from container shop/cart/cart, and 2 more affected"
