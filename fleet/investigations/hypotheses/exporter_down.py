"""Exporter down: the series of one exporter end together while what it watches goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from fleet.frames.frame import SeriesKey
from fleet.frames.pack import PackQuery
from fleet.frames.window import Window
from fleet.inventory.subject import Subject, SubjectKind
from fleet.investigations.deviation import Deviation
from fleet.investigations.graph import TOLERANCE
from fleet.investigations.hypotheses.gaps import Silence, silences
from fleet.investigations.hypotheses.hypothesis import Expectation, Hypothesis
from fleet.investigations.investigation import CauseKind
from fleet.investigations.scene import Scene
from fleet.investigations.signals import Role
from fleet.investigations.timeline import BLOCK, Timeline
from fleet.investigations.wording import clock, measured, named, plain, quantity

_MOST = 0.8
_BACK = timedelta(minutes=30)
_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class _Fall:
    """A scrape job whose share of reachable targets fell."""

    job: str
    subject: Subject
    at: datetime
    evidence: str


def dead_exporters(scene: Scene) -> Iterator[Hypothesis]:
    """One hypothesis for every silence, and one for every job that lost targets without a silence that we can see."""
    heard: set[str] = set()
    for silence in silences(scene):
        fall = _fall_at(scene, silence)
        if fall:
            heard.add(fall.job)
        yield _dead(scene, silence, fall)
    for each in scene.playing(Role.TARGETS_UP, sign=-1):
        if each.subject.name not in heard:
            heard.add(each.subject.name)
            evidence = scene.book.deviation(each)
            fall = _Fall(each.subject.name, each.subject, each.window.start, evidence)
            yield _unreachable(scene, fall, each.strength)


def _fall_at(scene: Scene, silence: Silence) -> _Fall | None:
    """The job whose reachable share fell when the silence began; where several did, the one named like the family."""
    falls = [
        fall
        for _, key, query, subject in scene.series(Role.TARGETS_UP)
        if (fall := _fall(scene, (key, query, subject), silence.since)) is not None
    ]
    return min(falls, key=lambda fall: (silence.exporter not in fall.job.lower(), fall.job), default=None)


def _fall(scene: Scene, series: tuple[SeriesKey, PackQuery, Subject], since: datetime) -> _Fall | None:
    key, query, subject = series
    timeline = Timeline.of(scene.material, key)
    at = timeline.block_at(since)
    before, then = timeline.levels[max(0, at - _BACK // BLOCK) : at], timeline.levels[at : at + _AFTER // BLOCK + 1]
    before, then = before[np.isfinite(before)], then[np.isfinite(then)]
    if not before.size or not then.size or not then.min() < np.median(before):
        return None
    usual, low = float(np.median(before)), float(then.min())
    window = Window(start=since, end=min(since + _AFTER, scene.material.frame.window.end))
    evidence = scene.book.series(
        query,
        key,
        window,
        subject=subject,
        summary=f"{measured(query.title, subject)} fell from {quantity(usual, query.unit)} to "
        f"{quantity(low, query.unit)} at {clock(since)}",
        values={"before": usual, "low": low},
    )
    return _Fall(subject.name, subject, since, evidence)


def _dead(scene: Scene, silence: Silence, fall: _Fall | None) -> Hypothesis:
    job = plain(fall.job if fall else f"{silence.exporter} exporter")
    place = plain(silence.place)
    until = f"until {clock(silence.until)}" if silence.until else "to the end of what was scanned"
    told = (*silence.evidence, *((fall.evidence,) if fall else ()))
    story = [
        (
            f"{silence.series} of {silence.known} series that {job} gives for {place} have no samples from "
            f"{clock(silence.since)} {until}.",
            silence.evidence,
        )
    ]
    if fall:
        story.append((f"{scene.book.at(fall.evidence).summary}.", (fall.evidence,)))
    ready = _still_ready(scene, silence)
    if ready.holds:
        story.append((f"The node itself went on: {scene.book.at(ready.evidence[0]).summary}.", ready.evidence[:1]))
    return Hypothesis(
        kind=CauseKind.EXPORTER_DOWN,
        title=f"{job} on {place} gave no samples from {clock(silence.since)}",
        subject=Subject(
            cluster_id=scene.cluster_id,
            kind=SubjectKind.COMPONENT,
            name=fall.job if fall else f"{silence.exporter}-exporter",
            part=silence.instance,
        ),
        started_at=silence.since,
        strength=min(1.0, silence.series / max(silence.known, 1)),
        horizon=_BACK,
        effects=frozenset(),
        expectations=(
            Expectation(
                "most of the exporter's series end together",
                silence.known >= 2 and silence.series >= _MOST * silence.known,
                3,
                told[:3],
                essential=True,
            ),
            Expectation(
                "its scrape job loses a target",
                (fall is not None) if any(True for _ in scene.series(Role.TARGETS_UP)) else None,
                3,
                (fall.evidence,) if fall else (),
            ),
            Expectation("the same exporter goes on elsewhere", silence.peers > 0 if silence.places else None, 1),
            ready,
        ),
        claims=(*silence.deviations, *_job_symptoms(scene, fall)),
        story=tuple(story),
    )


def _job_symptoms(scene: Scene, fall: _Fall | None) -> tuple[Deviation, ...]:
    if fall is None:
        return ()
    return tuple(
        each
        for each in scene.playing(Role.TARGETS_UP, sign=-1)
        if each.subject.name == fall.job and abs(each.window.start - fall.at) <= 2 * TOLERANCE
    )


def _still_ready(scene: Scene, silence: Silence) -> Expectation:
    """Kubernetes' own word on the node while its exporter is silent."""
    frame = scene.material.frame
    first = max(0, round((silence.since - frame.start).total_seconds() / frame.step_seconds))
    end = silence.until or frame.window.end
    last = round((end - frame.start).total_seconds() / frame.step_seconds)
    for row, key, query, subject in scene.series(Role.NODE_READY):
        values = frame.values[row, first:last]
        if subject.name != silence.place or not np.isfinite(values).any():
            continue
        ready = float(np.nanmedian(values)) > 0.5
        evidence = scene.book.series(
            query,
            key,
            Window(start=silence.since, end=end),
            subject=subject,
            summary=f"{named(subject)} was {'ready' if ready else 'not ready'} from "
            f"{clock(silence.since)} to {clock(end)}",
            values={"ready": float(np.nanmedian(values))},
        )
        return Expectation("the node is ready all the while", ready, 2, (evidence,), essential=True)
    return Expectation("the node is ready all the while", None, 2)


def _unreachable(scene: Scene, fall: _Fall, strength: float) -> Hypothesis:
    job = plain(fall.job)
    return Hypothesis(
        kind=CauseKind.EXPORTER_DOWN,
        title=f"Targets of {job} could not be scraped from {clock(fall.at)}",
        subject=fall.subject,
        started_at=fall.at,
        strength=strength,
        horizon=_BACK,
        effects=frozenset(),
        expectations=(
            Expectation("its scrape job loses targets", holds=True, weight=3, evidence=(fall.evidence,)),
            Expectation("series of the exporter end together", holds=False, weight=2),
        ),
        claims=_job_symptoms(scene, fall),
        story=((f"{scene.book.at(fall.evidence).summary}.", (fall.evidence,)),),
    )
