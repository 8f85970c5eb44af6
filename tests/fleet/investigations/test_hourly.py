"""Hourly scans see the end of a story only; the history tells how it began."""

from __future__ import annotations

from dataclasses import replace

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
