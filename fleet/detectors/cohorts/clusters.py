"""Clusters of one version and platform compared with each other, by one figure a query and part of a cluster."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from pydantic import BaseModel, Field

from fleet.detectors.cohorts.cohort import Cohort, CohortKind, Cohorts
from fleet.detectors.cohorts.comparison import compare
from fleet.detectors.cohorts.figures import Figures
from fleet.detectors.cohorts.outlier import Outlier, column_of, is_compared
from fleet.detectors.cohorts.trimmed import MIN_MEMBERS
from fleet.frames.frame import SeriesKey
from fleet.frames.pack import PackQuery, QueryPack
from fleet.inventory.inventory import Inventory
from fleet.inventory.subject import Subject, SubjectKind

_INSTANCES = {"instance", "pod", "node"}
"""Labels by which a component's instances are told apart: their names mean nothing in another cluster."""


class Level(BaseModel):
    """Where a query lies in one part of a cluster: the median over its series there, in the query's unit.

    ``subject`` is the part: the cluster, a component without its instances, or the nodes of one machine. ``usual`` is
    the same of the days before the window; None where it is not known.
    """

    query_id: str
    subject: Subject
    now: float
    usual: float | None = None


class ClusterLevels(BaseModel):
    """All that is compared of one cluster: some kilobytes, whatever its size.

    ``cohort`` names what the cluster is like (``openshift 4.18 on BareMetal``); "" where that is not known.
    """

    cluster_id: str
    cohort: str
    levels: list[Level] = Field(default_factory=list)

    @classmethod
    def of(cls, figures: Figures, inventory: Inventory | None, pack: QueryPack, cluster_id: str) -> Self:
        """The levels of a cluster, from the figures of its series."""
        cohorts = Cohorts.of(inventory)
        queries = {query.id: query for query in pack.queries if is_compared(query)}
        rows: defaultdict[tuple[str, Subject], list[int]] = defaultdict(list)
        for row, key in enumerate(figures.keys):
            query = queries.get(key.query_id)
            if query is not None and (part := _part(query, cohorts, cluster_id, key)):
                rows[query.id, part].append(row)
        levels = []
        for (query_id, part), members in rows.items():
            now, usual = (_median(each[members]) for each in (figures.now, figures.usual))
            if now is not None:
                levels.append(Level(query_id=query_id, subject=part, now=now, usual=usual))
        return cls(cluster_id=cluster_id, cohort=cohort_of(inventory), levels=levels)


@dataclass(frozen=True)
class FleetCompared:
    """What comparing clusters found.

    Attributes:
        outliers: clusters that are unlike their like; ``subject`` names the part.
        judged: query ids and identities of the parts by which each cluster was compared, by its id. What is not here
            has too few like it, or was not seen: nothing is said of it.
    """

    outliers: list[Outlier]
    judged: dict[str, set[tuple[str, str]]]


def compare_levels(seen: Sequence[ClusterLevels], unseen: Mapping[str, str], pack: QueryPack) -> FleetCompared:
    """Compare clusters with their like; see ``comparison.compare``.

    Args:
        seen: the levels of every cluster that was judged in the scan.
        unseen: the cohorts of the other clusters of the scan by their ids, as they are known from before: they count
            as members that were not seen.
        pack: says what the values are.
    """
    queries = {query.id: query for query in pack.queries if is_compared(query)}
    cohorts: defaultdict[str, list[str]] = defaultdict(list)
    for cluster_id, name in [*((cluster.cluster_id, cluster.cohort) for cluster in seen), *unseen.items()]:
        if name:
            cohorts[name].append(cluster_id)
    found: defaultdict[tuple[str, str, str], dict[str, Level]] = defaultdict(dict)
    for cluster in seen:
        for level in cluster.levels if cluster.cohort else ():
            if level.query_id in queries:
                found[level.query_id, cluster.cohort, level.subject.identity][cluster.cluster_id] = level
    large = {group: levels for group, levels in found.items() if len(levels) >= MIN_MEMBERS}
    columns = []
    for (query_id, name, _), levels in large.items():
        members = cohorts[name]
        now = np.array([levels[member].now if member in levels else np.nan for member in members])
        usual = np.array([_usual(levels.get(member)) for member in members])
        columns.append(column_of(queries[query_id], Cohort(CohortKind.CLUSTERS, name), members, now, usual))
    outliers = []
    judged: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for group, column, departures in zip(large.items(), columns, compare(columns), strict=True):
        (query_id, name, part), levels = group
        cohort = Cohort(CohortKind.CLUSTERS, name)
        for member in departures.compared():
            judged[column.members[member]].add((query_id, part))
        outliers += [
            Outlier.of(query_id, levels[column.members[member]].subject, cohort, column, departures, member)
            for member in departures.outliers()
        ]
    return FleetCompared(outliers, dict(judged))


def too_few(cohorts: Mapping[str, str]) -> dict[str, list[str]]:
    """Clusters that are compared with no other, since too few that are alike were seen: their ids by what is alike.

    Args:
        cohorts: what each cluster is like that was seen, by its id; "" where that is not known. One cluster alone
            is not to be compared with any.
    """
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for cluster_id, name in cohorts.items():
        groups[name].append(cluster_id)
    few = {name: members for name, members in groups.items() if not name or len(members) < MIN_MEMBERS}
    return few if len(cohorts) > 1 else {}


def cohort_of(inventory: Inventory | None) -> str:
    """What a cluster is like: platform and minor version, where it runs, and whether it is one node; "" if unknown."""
    version = (inventory.platform_version or inventory.version) if inventory else ""
    if inventory is None or not version:
        return ""
    words = [inventory.platform or "kubernetes", ".".join(version.removeprefix("v").split(".")[:2])]
    if inventory.infrastructure and inventory.infrastructure.provider:
        words += ["on", inventory.infrastructure.provider]
    if inventory.infrastructure and inventory.infrastructure.single_node:
        words.append("single node")
    return " ".join(words)


def _part(query: PackQuery, cohorts: Cohorts, cluster_id: str, key: SeriesKey) -> Subject | None:
    """The part of a cluster that a series tells of; None for what other clusters do not have under this name."""
    subject = cohorts.subject(query, cluster_id, key)
    if subject.kind is SubjectKind.CLUSTER:
        return subject
    if subject.kind is SubjectKind.COMPONENT:
        return subject.model_copy(update={"part": None}) if query.subject.part in _INSTANCES else subject
    if subject.kind is SubjectKind.NODE and (machine := cohorts.machine(subject.name)):
        return Subject(cluster_id=cluster_id, kind=SubjectKind.CLUSTER, part=f"{machine} nodes")
    return None


def _median(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else None


def _usual(level: Level | None) -> float:
    return np.nan if level is None or level.usual is None else level.usual
