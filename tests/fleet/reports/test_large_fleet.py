"""A report on a thousand clusters begins with trouble, and what is quiet is a few lines."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from fleet.findings.grade import Grade, Letter
from fleet.inventory.inventory import Gap
from fleet.reports.compose import compose_fleet_report
from fleet.reports.content import Bullets, ReportContent, Section, Table
from fleet.reports.depth import SURVEY
from fleet.reports.html import render_html
from fleet.reports.markdown import render_markdown
from fleet.reports.material import FleetReportMaterial
from tests.fleet.reports import materials

CLUSTERS = 1000
QUIET = Grade(letter=Letter.A, reason="No open incident.", coverage=1.0)


def large() -> FleetReportMaterial:
    """The ordinary fleet's three clusters with their trouble, among quiet ones; of two hundred, pods are unknown."""
    ordinary = replace(materials.ordinary(), charts=[])
    quiet = [materials.cluster(f"quiet-{number:04}") for number in range(CLUSTERS - len(ordinary.clusters))]
    unseen = {cluster.id: [Gap(part="pods", reason="the token may not list pods")] for cluster in quiet[:200]}
    return replace(
        ordinary,
        clusters=[*quiet, *ordinary.clusters],
        coverage={**ordinary.coverage, **{cluster.id: materials.coverage(cluster) for cluster in quiet}},
        grades={**ordinary.grades, **{cluster.id: QUIET for cluster in quiet}},
        gaps={**ordinary.gaps, **unseen},
    )


@pytest.fixture(scope="module")
def material() -> FleetReportMaterial:
    return large()


@pytest.fixture(scope="module")
def content(material: FleetReportMaterial) -> ReportContent:
    return compose_fleet_report(material)


def section(content: ReportContent, anchor: str) -> Section:
    return next(each for each in content.sections if each.anchor == anchor)


def told(content: ReportContent) -> list[str]:
    """The clusters with a section of their own, in order."""
    return [each.title for each in content.sections if each.level == 2 and each.anchor.startswith("cluster-")]


def test_sections_are_for_clusters_that_need_a_look_the_worst_first(content: ReportContent) -> None:
    names = told(content)
    assert len(names) == SURVEY.clusters
    assert names[:2] == ["prod-west", "prod-east"]
    # Not seen whole is not quiet.
    assert all(name <= "quiet-0199" for name in names if name.startswith("quiet"))
    assert len([each for each in content.sections if each.level == 1]) < 20


def test_the_others_are_summed_up_by_place(content: ReportContent) -> None:
    one_by_one, by_place = section(content, "clusters").blocks
    assert isinstance(one_by_one, Table)
    assert isinstance(by_place, Table)
    assert [row[0].text for row in one_by_one.rows] == told(content)
    assert by_place.caption == f"The other {CLUSTERS - SURVEY.clusters} clusters, by place"
    assert sum(int(row[1].text) for row in by_place.rows) == CLUSTERS - SURVEY.clusters
    # 200 are not seen whole, and edge-north of the ordinary fleet is quiet.
    assert sum(int(row[2].text) for row in by_place.rows) == CLUSTERS - 200 - 2
    assert "no section here" in by_place.note


def test_the_same_gap_of_many_clusters_is_told_once(content: ReportContent) -> None:
    (line,) = [each for each in content.summary.unknown if "pods" in each]
    assert line == (
        "quiet-0000, quiet-0001, quiet-0002, quiet-0003, quiet-0004, quiet-0005 and 194 more: "
        "discovery could not read pods: the token may not list pods."
    )


def test_different_gaps_of_many_clusters_are_cut_and_it_is_said(material: FleetReportMaterial) -> None:
    gaps = {cluster.id: [Gap(part="pods", reason=f"{cluster.name} said no")] for cluster in material.clusters}
    content = compose_fleet_report(replace(material, gaps=gaps))
    (bullets,) = section(content, "unknown-all").blocks
    assert isinstance(bullets, Bullets)
    assert len(bullets.statements) == SURVEY.lines + 1
    assert bullets.statements[-1].text.startswith(f"And {CLUSTERS - SURVEY.lines} more")


def test_many_places_are_summed_up(material: FleetReportMaterial) -> None:
    sites = [
        cluster.model_copy(update={"region": f"site-{number}"}) for number, cluster in enumerate(material.clusters)
    ]
    content = compose_fleet_report(replace(material, clusters=sites))
    by_place = section(content, "clusters").blocks[1]
    assert isinstance(by_place, Table)
    assert len(by_place.rows) < 40
    assert by_place.rows[-1][0].text.endswith("other places")
    assert sum(int(row[1].text) for row in by_place.rows) == CLUSTERS - SURVEY.clusters


def test_it_is_small_and_quick(material: FleetReportMaterial, content: ReportContent) -> None:
    started = time.process_time()
    again = compose_fleet_report(replace(material))
    # Ten times what it takes; with work that grows with the square of the fleet it were minutes.
    assert time.process_time() - started < 30
    assert again.summary == content.summary
    assert len(content.summary.grades) == CLUSTERS
    assert len(render_html(content)) < 450_000
    assert len(render_markdown(content)) < 100_000
