"""Grades of clusters and of the fleet."""

import pytest

from fleet.findings.correlation import correlate
from fleet.findings.finding import FindingState
from fleet.findings.grade import Letter, coverage_share, distribution, grade_cluster
from fleet.findings.incident import Incident
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage
from fleet.frames.pack import Severity
from fleet.frames.window import Window
from fleet.inventory.subject import Subject
from tests.fleet.findings.scenes import CLUSTER, NOW, finding, node, route, topology


def coverage(*statuses: CoverageStatus) -> list[Coverage]:
    window = Window(start=NOW, end=NOW.replace(hour=1))
    return [
        Coverage(
            cluster_id=CLUSTER,
            signal="metrics",
            collector="prometheus",
            window=window,
            step_seconds=30,
            status=CoverageStatus.PARTIAL,
            queries=[QueryCoverage(query_id=f"q{n}", status=status) for n, status in enumerate(statuses)],
        )
    ]


OK, UNKNOWN, PARTIAL, ABSENT = (
    CoverageStatus.OK,
    CoverageStatus.UNKNOWN,
    CoverageStatus.PARTIAL,
    CoverageStatus.ABSENT,
)


def incident(subject: Subject, severity: Severity) -> Incident:
    found = finding(subject, "query", 0, severity=severity, ongoing=True)
    return correlate([found], topology(), [], "scan")[0]


@pytest.mark.parametrize(
    ("subject", "severity", "letter"),
    [
        (node(), Severity.INFO, Letter.A),
        (node(), Severity.WARNING, Letter.B),
        (route("shop", "cart"), Severity.WARNING, Letter.C),
        (node(), Severity.CRITICAL, Letter.D),
        (route("shop", "cart"), Severity.CRITICAL, Letter.F),
    ],
)
def test_the_worst_open_severity_and_harm_to_services_decide(
    subject: Subject, severity: Severity, letter: Letter
) -> None:
    worst = incident(subject, severity)
    grade = grade_cluster([worst, incident(node("worker-2"), Severity.INFO)], coverage(OK))
    assert grade.letter is letter
    assert grade.reason == worst.title
    resolved = worst.model_copy(update={"state": FindingState.RESOLVED})
    assert grade_cluster([resolved], coverage(OK)).letter is Letter.A


def test_too_little_seen_caps_at_c_and_makes_nothing_better() -> None:
    seen = coverage(OK, OK, OK, UNKNOWN)
    assert grade_cluster([], seen).letter is Letter.C
    assert "75%" in grade_cluster([], seen).reason
    assert grade_cluster([incident(node(), Severity.CRITICAL)], seen).letter is Letter.D
    assert grade_cluster([], coverage(OK, OK, OK, OK, UNKNOWN)).letter is Letter.A


def test_unknown_is_never_healthy() -> None:
    for unseen in ([], coverage(UNKNOWN, UNKNOWN), coverage(ABSENT)):
        grade = grade_cluster([], unseen)
        assert grade.letter is Letter.NOT_GRADED
        assert grade.coverage == 0
    unjudged = grade_cluster([], coverage(OK, OK), judged=False)
    assert (unjudged.letter, unjudged.coverage) == (Letter.NOT_GRADED, 1)


def test_the_share_that_was_seen() -> None:
    assert coverage_share(coverage(OK, PARTIAL, ABSENT, UNKNOWN)) == 0.5
    assert coverage_share([]) is None
    whole = Coverage.model_validate(coverage(OK)[0].model_dump() | {"queries": [], "status": OK})
    assert coverage_share([whole]) == 1


def test_the_fleet_is_a_distribution() -> None:
    grades = [grade_cluster([], coverage(OK)), grade_cluster([], coverage(OK)), grade_cluster([], [])]
    counted = distribution(grades)
    assert counted[Letter.A] == 2
    assert counted[Letter.NOT_GRADED] == 1
    assert list(counted) == list(Letter)
