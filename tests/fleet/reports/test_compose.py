"""What a report says: what changed, what is unknown, and what stands where."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fleet.errors import NotFound, UsageError
from fleet.findings.finding import FindingState, PeerEvidence
from fleet.findings.grade import Grade, Letter
from fleet.findings.incident import Harm, Stretch
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage, Signal
from fleet.frames.pack import Severity
from fleet.frames.window import Window
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.inventory import Gap
from fleet.inventory.subject import Subject, SubjectKind
from fleet.reports.changed import what_changed
from fleet.reports.compose import compose, compose_fleet_report
from fleet.reports.content import (
    Callout,
    Chart,
    Definitions,
    EvidenceList,
    Paragraph,
    ReportContent,
    Section,
    Table,
    Tone,
)
from fleet.reports.gaps import absent_queries, coverage_table, gaps_of
from fleet.reports.material import FleetReportMaterial
from fleet.reports.record import ReportKind
from tests.fleet.reports import materials


@pytest.fixture
def material() -> FleetReportMaterial:
    return replace(materials.ordinary(), charts=[])


def section(content: ReportContent, anchor: str) -> Section:
    return next(each for each in content.sections if each.anchor == anchor)


def changed(material: FleetReportMaterial) -> list[str]:
    return [each.line for each in what_changed(material)]


def later(material: FleetReportMaterial, **updates: object) -> FleetReportMaterial:
    """The next report after one on this material, with something changed in between."""
    summary = compose_fleet_report(material).summary
    return replace(material, previous=summary, generated_at=material.generated_at + timedelta(days=1), **updates)


def test_the_first_report_says_that_it_is_the_first(material: FleetReportMaterial) -> None:
    assert changed(replace(material, previous=None)) == [
        "This is the first report of its kind: there is nothing to compare it with."
    ]


def test_a_report_on_the_same_says_that_they_go_on(material: FleetReportMaterial) -> None:
    (line,) = changed(later(material))
    assert line.startswith("Going on: 4 incidents (Memory leak in shop/cart")


def test_a_quiet_fleet_has_no_change(material: FleetReportMaterial) -> None:
    quiet = replace(material, incidents=[], findings=[], investigations=[], previous=None)
    assert changed(later(quiet)) == ["Nothing changed since the last report of 21 Nov 2026 13:03 UTC."]


def test_new_worse_resolved_back_and_lost_incidents_are_told(material: FleetReportMaterial) -> None:
    first, second, third, fourth, fifth = material.incidents
    before = replace(material, incidents=[second, third, fourth, fifth])
    after = later(
        before,
        incidents=[
            first,
            second.model_copy(update={"state": FindingState.RESOLVED, "ended_at": materials.END}),
            third.model_copy(update={"severity": Severity.CRITICAL}),
            fourth.model_copy(update={"state": FindingState.OPEN, "ended_at": None}),
        ],
    )
    lines = changed(after)
    assert "New: Memory leak in shop/cart ends in OOM kills in prod-west, critical, since 21 Nov 03:00." in lines
    assert "Resolved: Errors and latency on route shop/checkout in prod-west, ended 21 Nov 13:00." in lines
    assert "Worse: Disk of worker-1 is filling in prod-east, warning → critical." in lines
    assert "Back: CPU pressure on worker-2 in prod-west, warning." in lines
    assert "Not seen: Exporter of worker-1 fell silent in prod-east: no longer reported." in lines


def test_an_incident_that_has_ended_is_not_called_open(material: FleetReportMaterial) -> None:
    first, *others = material.incidents
    ended = first.model_copy(update={"ended_at": materials.END})
    after = later(material, incidents=[ended, *others])
    lines = changed(after)
    assert "Ended: Memory leak in shop/cart ends in OOM kills in prod-west, ended 21 Nov 13:00, not sure yet." in lines
    content = compose_fleet_report(after)
    assert "1 incident ended, which is not sure yet." in content.headline
    assert content.headline.startswith("1 critical, 1 warning and 1 info incidents are open")
    assert [line.standing for line in content.summary.incidents][:2] == ["ongoing", "ended"]


def test_an_incident_that_came_back_tells_its_stretches_and_why_it_ranks_where_it_does(
    material: FleetReportMaterial,
) -> None:
    first, *others = material.incidents
    times = [first.started_at + timedelta(hours=hour) for hour in (0, 1, 4)]
    back = first.model_copy(
        update={
            "stretches": [Stretch(start=times[0], end=times[1]), Stretch(start=times[2])],
            "harm": Harm(why="critical; goes on"),
        }
    )
    own = section(compose_fleet_report(replace(material, incidents=[back, *others])), "incident-1")
    facts = next(block for block in own.blocks if isinstance(block, Definitions))
    told = {item.term: item.statements[0].text for item in facts.items}
    assert told["Why here"] == "critical; goes on."
    assert told["Severity"] == "critical, ongoing, reopened once"
    assert told["It went on"].count(";") == 1
    moments = next(each for each in own.blocks if isinstance(each, Table) and each.caption.startswith("What happened"))
    said = [row[2].text for row in moments.rows if row[2].text.startswith("The incident")]
    assert said == ["The incident ended.", "The incident came back."]


def test_the_report_says_what_its_sensitivity_promises_and_of_whom_it_does_not(material: FleetReportMaterial) -> None:
    west, east, north = material.clusters
    bare = replace(material, history={west.id: timedelta(days=14), east.id: timedelta(days=2)}, models={west.id: 3})
    bare = replace(bare, uncompared={"openshift 4.18": [west.id, east.id], "": [north.id]})
    content = compose_fleet_report(bare)
    (method,) = [block for block in section(content, "method").blocks if isinstance(block, Definitions)]
    told = {item.term: item.statements[0].text for item in method.items}
    assert told["Sensitivity"].startswith("MEDIUM: 0.5 false findings are to be expected per cluster of 5,000 series")
    assert "(LOW 0.1, MEDIUM 0.5, HIGH 2" in told["Sensitivity"]
    assert f"this budget is not promised of {north.name}: judged by this report's window" in told["Sensitivity"]
    assert f"a history of 14 days, since a first weekend may be news: {east.name} (2 d)." in told["Sensitivity"]
    assert f"The course of the day was learnt of {west.name} (14 d)." in told["Baselines"]
    assert f"Without it, for want of history: {east.name} (2 d)." in told["Baselines"]
    assert f"Versions of what was learnt (fleetscope model show): {west.name} 3." in told["Baselines"]
    few = f"openshift 4.18 ({west.name}, {east.name})"
    assert f"For want of 5 clusters alike, not compared with other clusters: {few}." in told["Like ones"]
    assert f"For want of a known version, not compared either: {north.name}." in told["Like ones"]
    of_clusters = {
        item.statements[0].text
        for number in (1, 2, 3)
        for block in section(content, f"cluster-{number}").blocks
        if isinstance(block, Definitions)
        for item in block.items
        if item.term == "Baselines"
    }
    assert of_clusters == {
        "rest on 14 d of history, with the course of the day; version 3 of what was learnt",
        "rest on 2 d of history, too short for the course of the day: too little for the number of false findings to "
        "be promised",
        "no history: judged by this window alone, and the number of false findings is not promised",
    }


def test_a_finding_on_what_is_unlike_its_like_tells_by_what_they_are_alike(material: FleetReportMaterial) -> None:
    peers = PeerEvidence(members="nodes", cohort="worker m5.2xlarge", seen=7, known=8, q_value=0.001)
    first, *others = material.ranked_findings
    beside = replace(material, findings=[first.model_copy(update={"peers": peers}), *others])
    own = next(
        block
        for block in section(compose_fleet_report(beside), "cluster-1").blocks
        if isinstance(block, Table) and block.caption.startswith("Findings")
    )
    assert own.rows[0][2].text.endswith(". Alike: worker m5.2xlarge, 7 of 8 nodes seen")


def test_findings_that_are_in_no_incident_are_told_as_such(material: FleetReportMaterial) -> None:
    apart = replace(material, incidents=material.incidents[1:], previous=None)
    own = section(compose_fleet_report(apart), "cluster-1")
    texts = [line.text for block in own.blocks if isinstance(block, Paragraph) for line in block.statements]
    assert "3 findings are in no incident: too weak and too short to be one, so far." in texts


def test_an_incident_of_a_cluster_that_was_not_seen_is_not_called_over(material: FleetReportMaterial) -> None:
    dark = {each: grade for each, grade in material.grades.items() if material.names[each] != "prod-east"}
    lines = changed(later(material, incidents=[], grades=dark))
    assert (
        "Not seen: Disk of worker-1 is filling in prod-east: cannot be judged now, since the cluster was not seen."
        in lines
    )
    assert "Grade of prod-east: C → not graded: nothing is known of it." in lines


def test_clusters_that_came_and_went_and_grades_are_told(material: FleetReportMaterial) -> None:
    west, east, _ = material.clusters
    new = materials.cluster("brand-new")
    grades = {**material.grades, west.id: Grade(letter=Letter.B, reason="x.", coverage=1)}
    lines = changed(later(material, clusters=[west, east, new], grades=grades))
    assert "New in this report: brand-new." in lines and "Not in this report any more: edge-north." in lines
    assert "Grade of prod-west: F → B: x." in lines


def test_cluster_changes_since_the_last_report_are_told_and_older_ones_not(material: FleetReportMaterial) -> None:
    lines = changed(material)
    assert any(line.startswith("edge-north, 20 Nov 16:00: version 4.16.3 → 4.16.8") for line in lines)
    assert "Rollouts: 1 (prod-west 1)." in lines
    assert not any("version" in line or "Rollouts" in line for line in changed(later(material)))


def test_what_only_a_look_dates_is_told_once_by_the_report_that_first_knows_of_it(
    material: FleetReportMaterial,
) -> None:
    west = material.clusters[0]

    def undated(at: datetime, name: str = "w1", kind: ChangeKind = ChangeKind.NODE_LEFT) -> Change:
        subject = Subject(cluster_id=west.id, kind=SubjectKind.NODE, name=name)
        looked = at - timedelta(hours=1)
        return Change(cluster_id=west.id, kind=kind, subject=subject, at=at, not_before=looked, summary=f"Node {name}")

    # A scan looks at a cluster after the window that it judges, and before its report is written.
    seen = materials.END + timedelta(minutes=2)
    first = replace(material, changes=[*material.changes, undated(seen)])
    assert any(line.startswith("prod-west, by 21 Nov 13:02: Node w1.") for line in changed(first))
    assert not any("Node w1" in line for line in changed(later(first)))
    # What dates itself beyond the window is told by the next report, however soon it was read.
    dated = undated(seen).model_copy(update={"not_before": None})
    assert any("Node w1" in line for line in changed(later(material, changes=[dated])))
    # Five hundred nodes that changed alike are one line and hide nothing.
    flood = [undated(seen, f"w{number}", ChangeKind.DRIVER) for number in range(500)]
    lines = changed(replace(material, changes=[*flood, *material.changes]))
    [told] = [line for line in lines if "Node w" in line]
    assert told.endswith(" and 496 more.")
    assert any("version 4.16.3 → 4.16.8" in line for line in lines)


def test_a_previous_report_on_something_else_is_not_compared_with(material: FleetReportMaterial) -> None:
    alone = replace(material, clusters=material.clusters[:1])
    content = compose(ReportKind.CLUSTER, alone)
    assert content.summary.changed[0].startswith("This is the first report")


def test_everything_unknown_is_said_in_words(material: FleetReportMaterial) -> None:
    lines = gaps_of(material, material.clusters[1].id)
    assert lines == [
        "metrics (prometheus) could not be seen 21 Nov 11:00 – 13:00 (2 h): "
        "no answer within 30 s at https://prometheus.prod-east.example:9090",
        "discovery could not read events: the token may not list events",
    ]
    assert gaps_of(material, material.clusters[0].id) == []


def test_hours_that_were_never_asked_and_queries_without_answer_are_gaps(material: FleetReportMaterial) -> None:
    owner = material.clusters[0]
    rows = materials.coverage(owner)
    del rows[3:5]
    rows[0] = rows[0].model_copy(
        update={
            "status": CoverageStatus.PARTIAL,
            "queries": [
                QueryCoverage(query_id="b", status=CoverageStatus.UNKNOWN, reason="422 too many samples"),
                QueryCoverage(query_id="a", status=CoverageStatus.UNKNOWN, reason="422 too many samples"),
                QueryCoverage(query_id="gpu_util", status=CoverageStatus.ABSENT),
            ],
        }
    )
    own = replace(material, coverage={owner.id: rows}, gaps={owner.id: [Gap(part="pods", reason="403")]})
    assert gaps_of(own, owner.id) == [
        "metrics (prometheus) were seen only in part 20 Nov 13:00 – 14:00 (1 h)",
        "metrics (prometheus) were not asked for 20 Nov 16:00 – 18:00 (2 h)",
        "2 queries got no answer (a, b): 422 too many samples",
        "discovery could not read pods: 403",
    ]
    table = coverage_table(rows, materials.DAY)
    told = [(row[0].text, row[2].text, row[3].text) for row in table.rows]
    assert told[:3] == [("metrics", "partial", "4%"), ("metrics", "ok", "88%"), ("metrics", "not asked", "8%")]
    # Of the other signals nothing is known, and that is told, too.
    assert told[3:] == [(signal.value, "unknown", "–") for signal in list(Signal)[1:]]
    assert absent_queries(rows) == ["gpu_util"]


def test_a_cluster_without_coverage_is_unknown_and_says_so() -> None:
    content = compose_fleet_report(materials.unseen())
    assert content.headline == "Nothing could be judged: no data of any cluster was seen."
    callout = section(content, "unknown").blocks[0]
    assert isinstance(callout, Callout) and callout.tone is Tone.UNKNOWN
    assert callout.statements[0].line.startswith("dark: nothing was collected")
    assert [line.letter for line in content.summary.grades] == ["not graded"]


def test_a_healthy_fleet_that_was_seen_whole() -> None:
    owner = materials.cluster("well")
    content = compose_fleet_report(
        FleetReportMaterial(
            generated_at=materials.END,
            window=materials.DAY,
            clusters=[owner],
            coverage={owner.id: materials.coverage(owner)},
            grades={owner.id: Grade(letter=Letter.A, reason="No open incident.", coverage=1.0)},
        )
    )
    assert content.headline == "No incident is open in 1 cluster." and content.summary.unknown == []
    callout = section(content, "unknown").blocks[0]
    assert isinstance(callout, Callout) and callout.tone is Tone.GOOD


def test_incidents_of_several_clusters_stand_in_order_of_harm(material: FleetReportMaterial) -> None:
    quiet, felt = (each.model_copy(update={"severity": Severity.WARNING}) for each in material.incidents[:2])
    quiet = quiet.model_copy(update={"rank": 1})
    felt = felt.model_copy(update={"rank": 2, "harm": Harm(service="route shop/cart")})
    assert replace(material, incidents=[quiet, felt]).ranked_incidents == [felt, quiet]


def test_headline_counts_what_is_open(material: FleetReportMaterial) -> None:
    assert compose_fleet_report(material).headline == (
        "2 critical, 1 warning and 1 info incidents are open in 2 of 3 clusters."
    )


def test_headline_tells_of_what_was_resolved_and_is_worse_than_what_is_open(material: FleetReportMaterial) -> None:
    def headline(*severities: Severity, open_: Severity | None = None) -> str:
        of_kind = [(each, FindingState.RESOLVED) for each in severities] + (
            [(open_, FindingState.OPEN)] if open_ else []
        )
        (first, *_) = material.incidents
        incidents = [
            first.model_copy(update={"id": str(number), "severity": severity, "state": state})
            for number, (severity, state) in enumerate(of_kind)
        ]
        return compose_fleet_report(replace(material, incidents=incidents)).headline

    critical, warning = Severity.CRITICAL, Severity.WARNING
    assert headline(critical, critical, warning, open_=warning) == (
        "1 warning incident is open in 1 of 3 clusters. 2 critical ones were resolved in this window."
    )
    assert "resolved" not in headline(critical, open_=critical)
    assert headline(critical).endswith("1 critical one was resolved in this window.")
    assert headline(critical, warning, warning).endswith("1 critical and 2 warning ones were resolved in this window.")


def test_every_citation_is_defined_and_every_link_leads_somewhere(hard: ReportContent, ordinary: ReportContent) -> None:
    for content in (hard, ordinary):
        anchors = {each.anchor for each in content.sections}
        dumped = content.model_dump(mode="json")
        cited = set(_values(dumped, "evidence"))
        targets = {each for each in _values(dumped, "target") if each}
        assert cited and cited == content.evidence_labels()
        assert targets and targets <= anchors
        assert len(anchors) == len(content.sections)


def test_an_incident_has_its_causes_with_evidence_for_and_against(ordinary: ReportContent) -> None:
    causes = [each for each in section(ordinary, "incident-1").blocks if isinstance(each, Definitions) and each.wide]
    first, second = causes[0].items
    assert first.term == "1. Memory leak in shop/cart, confidence 86%"
    assert [(each.lead, each.evidence) for each in first.statements] == [
        ("", []),
        ("For", ["E1.1"]),
        ("For", ["E1.4"]),
        ("Against", []),
    ]
    assert [(each.lead, each.evidence) for each in second.statements][-1] == ("Against", ["E1.4"])


def test_evidence_says_how_to_ask_again_and_where_the_bytes_lie(ordinary: ReportContent) -> None:
    (appendix,) = [each for each in ordinary.blocks() if isinstance(each, EvidenceList)]
    entry = appendix.entries[0]
    assert entry.label == "E1.1" and entry.query == "max by (pod) (container_mem_vs_limit)"
    assert entry.endpoint and len(entry.content_hash) == 64 and entry.labels == 'pod="cart-7d9f8c-x2x1q"'
    assert len(entry.objects) == 3 and "4 more" in entry.objects[1]


def test_long_reports_say_what_they_leave_out(hard: ReportContent) -> None:
    details = [each for each in hard.sections if each.anchor.startswith("incident-") and each.level == 2]
    listed = section(hard, "incidents-all").blocks[0]
    assert isinstance(listed, Table) and len(listed.rows) == 60 and len(details) == 12
    chapter = section(hard, "incident-details").model_dump_json()
    assert "The 12 worst of 60 incidents are told here" in chapter


def test_of_an_incidents_many_findings_the_most_important_are_told_in_order_of_time(
    material: FleetReportMaterial,
) -> None:
    first = material.findings[0]
    weak = [
        first.model_copy(
            update={
                "id": f"weak-{number}",
                "fingerprint": f"{number:016d}",
                "severity": Severity.INFO,
                "window": Window(start=first.window.start - timedelta(minutes=number), end=first.window.end),
            }
        )
        for number in range(1, 31)
    ]
    incident = material.incidents[0].model_copy(
        update={"fingerprints": [first.fingerprint, *(each.fingerprint for each in weak)]}
    )
    incident.started_at = min(each.window.start for each in weak)
    content = compose_fleet_report(
        replace(material, incidents=[incident], findings=[first, *weak], investigations=[], previous=None)
    )
    blocks = section(content, "incident-1").blocks
    table = next(each for each in blocks if isinstance(each, Table) and each.caption.startswith("Findings"))
    assert [row[1].text for row in table.rows] == [*["info"] * 9, "critical"]
    assert table.note == "The 10 most important of 31 are shown."
    lanes = next(each for each in blocks if isinstance(each, Chart))
    assert "The 10 most important of 31 are drawn." in lanes.description


def test_a_change_that_is_evidence_as_well_is_told_once(material: FleetReportMaterial) -> None:
    change = material.changes[0]
    incident = next(each for each in material.incidents if material.investigation_of(each))
    investigation = material.investigation_of(incident)
    assert investigation is not None
    at = incident.started_at - timedelta(minutes=6)
    told = change.model_copy(
        update={
            "cluster_id": incident.cluster_id,
            "subject": incident.subject,
            "at": at,
            "not_before": None,
            "summary": "A new image was rolled out: registry.example/shop/cart:2",
        }
    )
    cut = investigation.evidence[-1].model_copy(
        update={
            "at": at,
            "subject": incident.subject,
            "summary": "A new image was rolled out: registry.ex… at 02:54 UTC",
        }
    )
    again = investigation.model_copy(update={"evidence": [*investigation.evidence[:-1], cut]})
    content = compose_fleet_report(
        replace(material, incidents=[incident], investigations=[again], changes=[told], previous=None)
    )
    story = next(
        each
        for each in section(content, "incident-1").blocks
        if isinstance(each, Table) and each.caption.startswith("What happened")
    )
    assert [row[2].text for row in story.rows if "rolled out" in row[2].text] == [told.summary]


def test_a_report_on_one_incident_tells_only_of_it() -> None:
    whole = materials.ordinary()
    content = compose(ReportKind.INCIDENT, whole, "incident-0003")
    assert content.title == "Incident report: Disk of worker-1 is filling"
    assert [line.id for line in content.summary.incidents] == ["incident-0003"]
    assert [line.cluster for line in content.summary.grades] == ["prod-east"]
    assert "shop/cart" not in content.model_dump_json()
    assert sum(isinstance(each, Chart) for each in content.blocks()) == 2


def test_a_report_on_an_incident_that_began_after_the_scanned_window_is_written() -> None:
    whole = materials.ordinary()
    past = Window(start=materials.DAY.start - timedelta(days=2), end=materials.DAY.start - timedelta(days=1))
    content = compose(ReportKind.INCIDENT, replace(whole, window=past), "incident-0003")
    assert [line.id for line in content.summary.incidents] == ["incident-0003"]


def test_a_report_on_one_cluster() -> None:
    whole = materials.ordinary()
    owner = whole.clusters[1]
    alone = replace(
        whole,
        clusters=[owner],
        incidents=[each for each in whole.incidents if each.cluster_id == owner.id],
        previous=None,
    )
    content = compose(ReportKind.CLUSTER, alone)
    assert content.title == "Cluster report: prod-east" and content.summary.scope == owner.id
    assert len(content.summary.incidents) == 2


def test_kinds_that_do_not_fit_the_material(material: FleetReportMaterial) -> None:
    with pytest.raises(UsageError):
        compose(ReportKind.CLUSTER, material)
    with pytest.raises(UsageError):
        compose(ReportKind.INCIDENT, material)
    with pytest.raises(NotFound):
        compose(ReportKind.INCIDENT, material, "no-such-incident")


def test_partial_rows_outside_the_window_do_not_fill_it() -> None:
    owner = materials.cluster("edge")
    early = Window(start=materials.DAY.start - timedelta(hours=5), end=materials.DAY.start)
    rows = [
        Coverage(
            cluster_id=owner.id,
            signal="metrics",
            collector="prometheus",
            window=early,
            step_seconds=30,
            status=CoverageStatus.OK,
        )
    ]
    material = FleetReportMaterial(
        generated_at=materials.END, window=materials.DAY, clusters=[owner], coverage={owner.id: rows}
    )
    assert gaps_of(material, owner.id) == ["metrics (prometheus) were not asked for in the whole window"]


def _values(value: object, key: str) -> list[str]:
    if isinstance(value, dict):
        own = value.get(key)
        found = (
            [own]
            if isinstance(own, str)
            else [each for each in own if isinstance(each, str)]
            if isinstance(own, list)
            else []
        )
        return found + [each for inner in value.values() for each in _values(inner, key)]
    return [each for inner in value for each in _values(inner, key)] if isinstance(value, list) else []
