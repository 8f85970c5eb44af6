"""The simulated fleet in a process of its own."""

from pathlib import Path

import pytest

from interfaces.cli.simulate import running_fleet


def test_it_starts_where_a_user_has_files_of_the_same_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "simulator.py").write_text("raise SystemExit('not ours')\n")
    monkeypatch.chdir(tmp_path)
    with running_fleet(tmp_path / "simulated", ["--clusters", "1", "--faults", "none"]) as (_, ready):
        assert len(ready["clusters"]) == 1
