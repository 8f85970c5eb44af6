"""Tables of large fleets: cut, and saying so."""

from __future__ import annotations

from typing import Any

import pytest

from tasks import publish


@pytest.fixture
def artifact(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    made: dict[str, Any] = {}
    monkeypatch.setattr(publish, "create_table_artifact", lambda rows, **about: made.update(about, rows=rows))
    return made


def test_a_table_that_fits_is_whole(artifact: dict[str, Any]) -> None:
    publish.publish_table("inventory", "What was seen.", [{"cluster": "a"}])
    assert artifact == {"key": "inventory", "description": "What was seen.", "rows": [{"cluster": "a"}]}


def test_a_table_says_how_many_rows_it_lacks(artifact: dict[str, Any]) -> None:
    rows = [{"cluster": str(number)} for number in range(publish.MOST_ROWS + 5)]
    publish.publish_table("inventory", "What was seen.", rows)
    assert artifact["rows"] == rows[:-5]
    assert artifact["description"] == "What was seen. And 5 more that are not shown."
    publish.publish_table("findings", "Findings.", rows[:3], total=1000)
    assert artifact["description"] == "Findings. And 997 more that are not shown."


def test_a_cell_holds_the_first_gaps() -> None:
    assert publish.in_cell([]) == ""
    assert publish.in_cell(["nodes: forbidden", "pods: forbidden"]) == "nodes: forbidden; pods: forbidden"
    cut = publish.in_cell(["nodes: " + "x" * 1000])
    assert len(cut) <= publish.LONGEST_CELL + 2
    assert cut.rstrip("`").endswith("…")
