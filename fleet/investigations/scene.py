"""The scene of one investigation: the question, what deviated, what changed, and the symptoms among it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleet.frames.frame import SeriesKey
from fleet.frames.pack import Direction, PackQuery
from fleet.inventory.change import Change
from fleet.inventory.subject import Subject, SubjectKind
from fleet.investigations.deviation import Deviation, deviations_of
from fleet.investigations.evidence import EvidenceBook
from fleet.investigations.graph import NEAR, CorrelationGraph
from fleet.investigations.question import Material, Question
from fleet.investigations.signals import Role

_BEFORE, _AFTER = timedelta(hours=1), timedelta(minutes=30)
"""Around a named time, what belongs to it; an incident brings its own findings."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything that hypotheses look at.

    Attributes:
        deviations: all that was not as expected within the question's window, in order of time.
        symptoms: those that the question is about.
        changes: changes that can have happened before the window's end, in order of time.
    """

    question: Question
    material: Material
    graph: CorrelationGraph
    book: EvidenceBook
    deviations: list[Deviation]
    symptoms: list[Deviation]
    changes: list[Change]

    @property
    def cluster_id(self) -> str:
        """The cluster that is asked about."""
        return self.question.cluster_id

    @property
    def began(self) -> datetime:
        """When the first symptom began, or the time asked about where there is none."""
        return min((each.window.start for each in self.symptoms), default=self.question.at)

    @property
    def ended(self) -> datetime:
        """When the last symptom ended, or the time asked about where there is none."""
        return max((each.window.end for each in self.symptoms), default=self.question.at)

    def playing(self, *roles: Role, sign: int | None = None) -> list[Deviation]:
        """Deviations of the queries that play these roles."""
        ids = self.material.signals.ids(*roles)
        return [each for each in self.deviations if each.query.id in ids and sign in {None, each.sign}]

    def series(self, *roles: Role) -> Iterator[tuple[int, SeriesKey, PackQuery, Subject]]:
        """Row, key, query and subject of every series of the frame that plays one of these roles."""
        ids = self.material.signals.ids(*roles)
        queries = {query.id: query for query in self.material.pack.queries}
        for row, key in enumerate(self.material.frame.keys):
            if key.query_id in ids:
                query = queries[key.query_id]
                yield row, key, query, self.material.topology.resolve(query.subject_of(self.cluster_id, key))

    def of_workload(self, workload: Subject, deviations: Iterable[Deviation] | None = None) -> list[Deviation]:
        """Deviations of a workload, its pods and the routes that lead to it."""
        chosen = self.deviations if deviations is None else deviations
        return [each for each in chosen if self.graph.same_workload(workload, each.subject)]


def scene_of(question: Question, material: Material) -> Scene:
    """Sets the scene: deviations and changes within the window, and the symptoms among the deviations."""
    graph = CorrelationGraph(material.topology)
    deviations = [
        each
        for each in deviations_of(material, question.cluster_id)
        if each.window.overlaps(question.window) or _asked_for(question, each)
    ]
    return Scene(
        question=question,
        material=material,
        graph=graph,
        book=EvidenceBook(material),
        deviations=deviations,
        symptoms=_symptoms(question, graph, deviations),
        changes=[change for change in material.dated_changes if change.earliest < question.window.end],
    )


def hurts(deviation: Deviation) -> bool:
    """Whether a deviation goes in the direction in which its query hurts; a gap always may."""
    direction = deviation.query.direction
    if direction is Direction.NONE:
        return False
    if deviation.sign == 0 or direction is Direction.BOTH:
        return True
    return deviation.sign == (1 if direction is Direction.UP else -1)


def _symptoms(question: Question, graph: CorrelationGraph, deviations: list[Deviation]) -> list[Deviation]:
    asked = [each for each in deviations if _asked_for(question, each)]
    if asked:
        return asked
    around = [
        each
        for each in deviations
        if each.window.start <= question.at + _AFTER
        and each.window.end >= question.at - _BEFORE
        and hurts(each)
        and _at_place(question.place, graph, each)
    ]
    return [each for each in around if each.finding is not None] or around


def _asked_for(question: Question, deviation: Deviation) -> bool:
    if question.incident_id is None or deviation.finding is None:
        return False
    # Another episode of the same fingerprint may be another incident's.
    if deviation.finding.incident_id is not None:
        return deviation.finding.incident_id == question.incident_id
    return deviation.finding.fingerprint in question.fingerprints


def _at_place(place: Subject, graph: CorrelationGraph, deviation: Deviation) -> bool:
    if place.kind is SubjectKind.CLUSTER:
        return True
    subject = deviation.subject
    if place.kind is SubjectKind.NAMESPACE:
        return place.name == (subject.name if subject.kind is SubjectKind.NAMESPACE else subject.namespace)
    if place.kind is SubjectKind.WORKLOAD and place.namespace is None:
        workload = graph.workload_of(subject)
        return workload is not None and workload[1] == place.name
    return graph.closeness(place, subject) >= NEAR
