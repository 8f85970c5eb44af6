"""The series of one cluster that are unlike those of their like: pods of a workload, nodes of a machine, GPUs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from fleet.detectors.cohorts.cohort import Cohort, Cohorts
from fleet.detectors.cohorts.comparison import compare
from fleet.detectors.cohorts.figures import Figures
from fleet.detectors.cohorts.outlier import Outlier, column_of, is_compared
from fleet.detectors.cohorts.trimmed import MIN_MEMBERS
from fleet.frames.frame import SeriesKey
from fleet.frames.pack import QueryPack
from fleet.inventory.subject import Subject


@dataclass(frozen=True)
class PeerOutlier:
    """An outlier among the series of a cluster."""

    key: SeriesKey
    outlier: Outlier


@dataclass(frozen=True)
class Compared:
    """What comparing found.

    Attributes:
        outliers: in the order of the series.
        cohorts: how many cohorts were compared.
        too_small: how many were not: of fewer than ``MIN_MEMBERS`` members nothing is said, which is not to say that
            they are alike.
        not_alike: query ids and identities of what is there and of which nobody can say that it is like its like: it
            is not, or it could not be compared.
    """

    outliers: list[PeerOutlier]
    cohorts: int
    too_small: int
    not_alike: set[tuple[str, str]]


def peer_outliers(figures: Figures, cohorts: Cohorts, pack: QueryPack, cluster_id: str) -> Compared:
    """Compare the series of a cluster with those of their like; see ``comparison.compare``.

    Args:
        figures: of all series that were seen.
        cohorts: of the cluster.
        pack: says what the values are; queries that never hurt, counts and states are not compared.
        cluster_id: of the cluster.
    """
    queries = {query.id: query for query in pack.queries if is_compared(query)}
    groups: defaultdict[tuple[str, Cohort], list[tuple[int, Subject]]] = defaultdict(list)
    there: set[tuple[str, str]] = set()
    for row, key in enumerate(figures.keys):
        query = queries.get(key.query_id)
        if query is None:
            continue
        subject = cohorts.subject(query, cluster_id, key)
        there.add((query.id, subject.identity))
        if cohort := cohorts.cohort(query, subject):
            groups[query.id, cohort].append((row, subject))
    large = {group: members for group, members in groups.items() if len(members) >= MIN_MEMBERS}
    columns = []
    for (query_id, cohort), members in large.items():
        rows = [row for row, _ in members]
        names = [f"{subject.kind}/{subject.namespace}/{subject.name}/{subject.part}" for _, subject in members]
        columns.append(column_of(queries[query_id], cohort, names, figures.now[rows], figures.usual[rows]))
    outliers: list[tuple[int, PeerOutlier]] = []
    alike: set[tuple[str, str]] = set()
    for ((query_id, cohort), members), column, departures in zip(large.items(), columns, compare(columns), strict=True):
        alike |= {(query_id, members[member][1].identity) for member in departures.compared()}
        for member in departures.outliers():
            row, subject = members[member]
            outlier = Outlier.of(query_id, subject, cohort, column, departures, member)
            outliers.append((row, PeerOutlier(figures.keys[row], outlier)))
    alike -= {(each.outlier.query_id, each.outlier.subject.identity) for _, each in outliers}
    compared = {cohort for _, cohort in large}
    small = {cohort for _, cohort in groups} - compared
    ordered = [each for _, each in sorted(outliers, key=lambda pair: pair[0])]
    return Compared(ordered, len(compared), len(small), there - alike)
