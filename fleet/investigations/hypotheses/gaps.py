"""Silences: series of one exporter at one place that end together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleet.frames.frame import SeriesKey
from fleet.frames.pack import PackQuery
from fleet.frames.window import Window
from fleet.inventory.subject import Subject
from fleet.investigations.deviation import LASTING, Deviation
from fleet.investigations.presence import Presence
from fleet.investigations.scene import Scene
from fleet.investigations.signals import exporter_of
from fleet.investigations.wording import clock, measured

_MIN_GAP = timedelta(minutes=5)
_TOGETHER = timedelta(minutes=5)
_SAMPLED = 3


@dataclass(frozen=True)
class Silence:
    """Series of one exporter at one node that have no samples from the same time on.

    Attributes:
        exporter: the family of metrics, for example ``node``.
        place: the node's name; ``instance`` as the series name it.
        until: when samples came back; None where they did not within the frame.
        series: how many ended, of ``known`` that the exporter gave there before.
        peers: how many other places gave the family's series through the gap, of ``places`` others.
        evidence: provisional ids of a few of the series.
        deviations: the findings and context that are these gaps.
    """

    exporter: str
    place: str
    instance: str
    since: datetime
    until: datetime | None
    series: int
    known: int
    peers: int
    places: int
    evidence: tuple[str, ...]
    deviations: tuple[Deviation, ...]


@dataclass(frozen=True)
class _Series:
    key: SeriesKey
    query: PackQuery
    subject: Subject
    presence: Presence


def silences(scene: Scene) -> list[Silence]:
    """Every silence within the question's window, in order of time and place."""
    families: defaultdict[str, dict[str, list[_Series]]] = defaultdict(lambda: defaultdict(list))
    for each in _placed(scene):
        families[exporter_of(each.query)][each.subject.name].append(each)
    found = [
        silence
        for exporter, places in sorted(families.items())
        for place in sorted(places)
        for silence in _silences_at(scene, exporter, place, places)
    ]
    return sorted(found, key=lambda each: (each.since, each.exporter, each.place))


def _placed(scene: Scene) -> Iterator[_Series]:
    """Series on nodes and devices that the frame or the history has: one that is silent all along is in no frame."""
    material = scene.material
    queries = {query.id: query for query in material.pack.queries if query.subject.kind in LASTING}
    for key in dict.fromkeys([*material.frame.keys, *(material.history.keys if material.history else [])]):
        query = queries.get(key.query_id)
        if query is not None:
            subject = material.topology.resolve(query.subject_of(scene.cluster_id, key))
            yield _Series(key, query, subject, Presence.of(material, key))


def _silences_at(scene: Scene, exporter: str, place: str, places: dict[str, list[_Series]]) -> Iterator[Silence]:
    frame = scene.material.frame
    step = timedelta(seconds=frame.step_seconds)
    gaps = {each.key: _gaps(scene, each) for each in places[place]}
    starts = Counter(first for stretches in gaps.values() for first, _ in stretches)
    taken: set[int] = set()
    for first in sorted(starts, key=lambda column: (-starts[column], column)):
        near = {column for column in starts if abs(column - first) * step <= _TOGETHER}
        if taken & near:
            continue
        taken |= near
        ended = {each.key: stretch for each in places[place] for stretch in gaps[each.key] if stretch[0] in near}
        if any(scene.question.window.overlaps(_window(scene, *stretch)) for stretch in ended.values()):
            yield _silence(scene, exporter, place, places, ended)


def _gaps(scene: Scene, series: _Series) -> list[tuple[int, int]]:
    """A series' gaps, without those in which it was us who saw nothing."""
    frame = scene.material.frame
    blind = scene.material.unseen[series.query.id]
    stretches = series.presence.gaps(max(1, int(_MIN_GAP / timedelta(seconds=frame.step_seconds))))
    return [
        (first, last)
        for first, last in stretches
        if not any(window.overlaps(_window(scene, first, last)) for window in blind)
    ]


def _window(scene: Scene, first: int, last: int) -> Window:
    return Window(start=scene.material.frame.time_at(first), end=scene.material.frame.time_at(last + 1))


def _silence(
    scene: Scene, exporter: str, place: str, places: dict[str, list[_Series]], ended: dict[SeriesKey, tuple[int, int]]
) -> Silence:
    frame = scene.material.frame
    first = min(start for start, _ in ended.values())
    last = Counter(end for _, end in ended.values()).most_common(1)[0][0]
    own = [each for each in places[place] if each.key in ended]
    window = _window(scene, first, last)
    going_on = [
        name
        for name, series in places.items()
        if name != place and any(each.presence.sampled(first, last) for each in series)
    ]
    before = [each for each in places[place] if each.presence.sampled(each.presence.start, first - 1)]
    labels = dict(own[0].key.labels)
    instance = labels.get("instance") or labels.get("node") or place
    return Silence(
        exporter=exporter,
        place=place,
        instance=instance,
        since=window.start,
        until=None if last + 1 >= frame.points else window.end,
        series=len(own),
        known=len(before),
        peers=len(going_on),
        places=len(places) - 1,
        evidence=tuple(_evidence(scene, each, window) for each in own[:_SAMPLED]),
        deviations=tuple(
            each for each in scene.deviations if each.sign == 0 and each.key in ended and each.window.overlaps(window)
        ),
    )


def _evidence(scene: Scene, series: _Series, window: Window) -> str:
    name = f"{measured(series.query.title, series.subject)}"
    summary = f"{name} has no samples from {clock(window.start)} to {clock(window.end)}"
    return scene.book.series(
        series.query, series.key, window, subject=series.subject, summary=summary, values={"seconds": window.seconds}
    )
