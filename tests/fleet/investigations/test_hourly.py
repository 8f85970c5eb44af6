"""Hourly scans see the end of a story only; the history tells how it began."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fleet.frames.frame import Frame
from fleet.frames.window import Window
from fleet.inventory.subject import Subject, SubjectKind
from fleet.investigations.investigate import investigate
from fleet.investigations.investigation import CauseKind, Investigation
from fleet.investigations.question import Material, Question
from tests.fleet.investigations import faults
from tests.fleet.investigations.town import CLUSTER, Town, hour, node


def _hour(town: Town, number: int) -> Material:
    """The material of the scan of one hour of the day."""
    whole = town.material()
    frame = whole.frame.cut(Window(start=hour(number), end=hour(number + 1)))
    return faults.with_past_day(replace(whole, frame=frame), whole)


def _asked(town: Town, material: Material) -> Investigation:
    return investigate(replace(town.question(), window=material.frame.window), material)


def test_a_dead_exporter_is_dated_from_before_the_hour() -> None:
    town = Town()
    faults.exporter_down(town)
    town.findings = [each.model_copy(update={"window": Window(start=hour(10), end=hour(11))}) for each in town.findings]

    found = _asked(town, _hour(town, 10))

    assert found.causes[0].kind is CauseKind.EXPORTER_DOWN
    assert found.causes[0].started_at == hour(9)
    assert found.causes[0].confidence > 0.9


def test_series_that_are_in_no_frame_any_more_are_missed() -> None:
    town = Town()
    faults.exporter_down(town)
    town.findings.clear()
    material = _hour(town, 10)
    gone = [row for row, key in enumerate(material.frame.keys) if key.label("instance") != "worker-3"]
    material = replace(material, frame=material.frame.select(gone))

    found = investigate(Question(CLUSTER, node("worker-3"), hour(10.5), material.frame.window), material)

    assert found.causes[0].kind is CauseKind.EXPORTER_DOWN
    assert found.causes[0].subject == Subject(
        cluster_id=CLUSTER, kind=SubjectKind.COMPONENT, name="node-exporter", part="worker-3"
    )
    assert found.causes[0].started_at == hour(9)


def test_a_rollout_before_the_hour_explains_errors_that_go_on_in_it() -> None:
    town = Town()
    faults.bad_rollout(town)
    town.findings = [each.model_copy(update={"window": Window(start=hour(15), end=hour(16))}) for each in town.findings]

    found = _asked(town, _hour(town, 15))

    assert found.causes[0].kind is CauseKind.ROLLOUT
    assert found.causes[0].started_at == hour(14)
    assert min(each.started_at for each in found.symptoms) < hour(14.2)


def test_a_jump_within_the_hour_keeps_its_own_start() -> None:
    town = Town()
    faults.noisy_neighbour(town)

    found = _asked(town, _hour(town, 10))

    assert found.causes[0].kind is CauseKind.NOISY_NEIGHBOUR
    assert found.causes[0].started_at == hour(10)


def _look_back(town: Town, number: int, uncollected: int = 0) -> Material:
    """An hour's scan with the six hours before, some of them never collected, and a history that ends at midnight."""
    whole = town.material()
    frame = whole.frame.cut(Window(start=hour(number - 6), end=hour(number + 1)))
    values = frame.values.copy()
    values[:, : uncollected * 120] = np.nan
    return replace(whole, frame=Frame(frame.start, frame.step_seconds, frame.keys, values))


def _clipped(town: Town, number: int) -> None:
    """Findings as the scan of one hour would write them."""
    window = Window(start=hour(number), end=hour(number + 1))
    town.findings = [each.model_copy(update={"window": window}) for each in town.findings]


@pytest.mark.parametrize("uncollected", [0, 3])
def test_the_hours_before_tell_the_onset_where_they_are_stored(uncollected: int) -> None:
    town = Town()
    faults.bad_rollout(town)
    _clipped(town, 15)

    found = _asked(town, _look_back(town, 15, uncollected))

    assert found.causes[0].kind is CauseKind.ROLLOUT
    assert found.symptoms[0].started_at < hour(14.2)


def test_hours_that_were_never_collected_are_no_silence() -> None:
    town = Town()
    faults.saturation(town)
    town.findings = [each for each in town.findings if each.query_id == "route_latency_seconds"]
    _clipped(town, 7)

    found = _asked(town, _look_back(town, 7, 4))

    assert CauseKind.EXPORTER_DOWN not in [cause.kind for cause in found.causes]
    assert not any("no samples" in each.summary for each in found.evidence)


def test_a_silence_is_dated_no_earlier_than_we_looked() -> None:
    town = Town()
    faults.exporter_down(town)
    _clipped(town, 10)

    whole, blind = (_asked(town, _look_back(town, 10, uncollected)) for uncollected in (0, 6))

    assert whole.causes[0].kind is blind.causes[0].kind is CauseKind.EXPORTER_DOWN
    assert whole.causes[0].started_at == hour(9)
    assert blind.causes[0].started_at == hour(10)


def test_a_workload_may_be_named_without_its_namespace() -> None:
    town = Town()
    faults.bad_rollout(town)
    place = Subject(cluster_id=CLUSTER, kind=SubjectKind.WORKLOAD, name="checkout")
    material = town.material()

    found = investigate(Question(CLUSTER, place, hour(14.5), material.frame.window), material)

    assert found.causes[0].kind is CauseKind.ROLLOUT
