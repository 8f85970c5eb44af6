"""The fleet at a glance: those clusters that need a look one by one, the many others summed up by place.

A report on a thousand clusters has to be read by somebody: it begins with trouble, and what is quiet is a few lines.
"""

from __future__ import annotations

from collections import Counter

from fleet.findings.grade import Letter
from fleet.inventory.cluster import Cluster
from fleet.reports.content import Block, Cell, Column, Section, Table
from fleet.reports.gaps import gaps_of
from fleet.reports.marks import grade_cell
from fleet.reports.material import FleetReportMaterial, grouped
from fleet.reports.wording import brief, counted, joined, share

_MOST_NAMES = 8
_MOST_PLACES = 30
NOWHERE = "–"


def told_in_full(material: FleetReportMaterial, most: int) -> list[Cluster]:
    """The clusters with a section of their own, the worst first: all of a small fleet; of a large one, no quiet ones.

    Args:
        material: what is reported.
        most: how many there may be.
    """
    ranked = material.ranked_clusters
    return ranked if len(ranked) <= most else [each for each in ranked if not is_quiet(material, each)][:most]


def is_quiet(material: FleetReportMaterial, cluster: Cluster) -> bool:
    """Whether a cluster was seen whole and nothing was found in it."""
    return (
        material.letter_of(cluster.id) is Letter.A
        and not material.findings_in.get(cluster.id)
        and not material.incidents_in.get(cluster.id)
        and not gaps_of(material, cluster.id)
    )


def overview(material: FleetReportMaterial, told: list[Cluster]) -> Section:
    """The clusters that are told in full, each on a line, and the others by place."""
    blocks: list[Block] = []
    if told:
        blocks.append(_one_by_one(material, told))
    others = [each for each in material.ranked_clusters if each.id not in {cluster.id for cluster in told}]
    if others:
        blocks.append(_by_place(material, others, beside=bool(told)))
    return Section(anchor="clusters", title="The fleet at a glance", blocks=blocks)


def place_of(cluster: Cluster) -> str:
    """Environment and region, as far as they are known."""
    return ", ".join(filter(None, [cluster.environment, cluster.region])) or NOWHERE


def _one_by_one(material: FleetReportMaterial, clusters: list[Cluster]) -> Table:
    rows = [
        [
            Cell(text=cluster.name, target=f"cluster-{number}"),
            Cell(text=place_of(cluster)),
            grade_cell(material.letter_of(cluster.id)),
            Cell(text=share(material.seen_of(cluster.id))),
            Cell(text=str(len(material.open_in(cluster.id)))),
            Cell(text=str(len(material.findings_in.get(cluster.id, [])))),
            Cell(text=brief(material.reason_of(cluster.id))),
        ]
        for number, cluster in enumerate(clusters, start=1)
    ]
    columns = [
        Column(title="Cluster", weight=18),
        Column(title="Place", weight=16),
        Column(title="Grade", weight=12),
        Column(title="Seen", weight=9, numeric=True),
        Column(title="Open incidents", weight=11, numeric=True),
        Column(title="Findings", weight=11, numeric=True),
        Column(title="Why this grade", weight=34),
    ]
    return Table(caption="Clusters: grade, coverage and what is open", columns=columns, rows=rows)


def _by_place(material: FleetReportMaterial, clusters: list[Cluster], *, beside: bool) -> Table:
    places = _places(clusters)
    quiet = {cluster.id for cluster in clusters if is_quiet(material, cluster)}
    rows = [
        [
            Cell(text=place),
            Cell(text=str(len(own))),
            Cell(text=str(sum(cluster.id in quiet for cluster in own))),
            Cell(text=_grades(material, own)),
            Cell(text=str(sum(len(material.open_in(cluster.id)) for cluster in own))),
            Cell(text=str(sum(len(material.findings_in.get(cluster.id, [])) for cluster in own))),
            Cell(text=joined([cluster.name for cluster in own], _MOST_NAMES)),
        ]
        for place, own in places
    ]
    columns = [
        Column(title="Place", weight=18),
        Column(title="Clusters", weight=10, numeric=True),
        Column(title="Quiet", weight=8, numeric=True),
        Column(title="Grades", weight=18),
        Column(title="Open incidents", weight=11, numeric=True),
        Column(title="Findings", weight=10, numeric=True),
        Column(title="Which, the worst first", weight=40),
    ]
    caption = f"{'The other ' if beside else ''}{counted(len(clusters), 'cluster')}, by place"
    note = (
        "Quiet: seen whole, graded A, and nothing was found. These clusters have no section here; a report on any "
        "of them can be had by itself."
    )
    return Table(caption=caption, columns=columns, rows=rows, note=note)


def _places(clusters: list[Cluster]) -> list[tuple[str, list[Cluster]]]:
    """Clusters by place, in order of name; of very many places the smallest are one."""
    places = sorted(grouped(clusters, place_of).items(), key=lambda each: (-len(each[1]), each[0]))
    shown, rest = sorted(places[:_MOST_PLACES]), places[_MOST_PLACES:]
    if rest:
        shown.append((counted(len(rest), "other place"), [cluster for _, own in rest for cluster in own]))
    return shown


def _grades(material: FleetReportMaterial, clusters: list[Cluster]) -> str:
    counts = Counter(material.letter_of(cluster.id) for cluster in clusters)
    return ", ".join(f"{letter.value} {counts[letter]}" for letter in Letter if counts[letter])
