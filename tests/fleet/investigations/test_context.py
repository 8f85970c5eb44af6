"""Deviations that are no findings: by what was learnt before, whole or in parts, or by the history."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet.detectors.learnt import Learnt, learn
from fleet.investigations import question
from fleet.investigations.question import Material
from tests.fleet.investigations import faults
from tests.fleet.investigations.town import Town


@pytest.fixture
def material() -> Material:
    town = Town()
    faults.memory_leak(town)
    return town.material()


def learnt_of(material: Material, queries: set[str]) -> Learnt:
    assert material.history is not None
    rows = [row for row, key in enumerate(material.history.keys) if key.query_id in queries]
    learnt = learn(material.history.select(rows), material.pack)
    assert learnt is not None
    return learnt


def test_what_was_learnt_before_tells_what_learning_anew_tells(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = {key.query_id for key in material.frame.keys}
    stored = replace(material, learnt=[learnt_of(material, queries)])
    anew = material.context
    monkeypatch.setattr(question, "learn", None)
    assert stored.context == anew
    assert len(anew) > 0


def test_rows_are_the_frames_whatever_was_learnt_of_their_queries(material: Material) -> None:
    """Two parts, and some queries of which nothing was learnt."""
    queries = sorted({key.query_id for key in material.frame.keys})
    leaking = "container_mem_vs_limit"
    parts = [{leaking}, set(queries[::2]) - {leaking}]
    found = replace(material, learnt=[learnt_of(material, part) for part in parts]).context
    assert [(each.row, each.first) for each in found] == sorted((each.row, each.first) for each in found)

    def rows(anomalies: list[question.Anomaly]) -> set[int]:
        return {each.row for each in anomalies if material.frame.keys[each.row].query_id == leaking}

    assert rows(found) == rows(material.context) != set()
