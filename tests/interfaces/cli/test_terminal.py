"""What people type at the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
import typer

from fleet.errors import PackError
from interfaces.cli.terminal import explain_failure, parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("45s", timedelta(seconds=45)),
        ("90m", timedelta(minutes=90)),
        ("24h", timedelta(hours=24)),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_durations_as_people_write_them(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "h", "24", "0h", "-1h", "1.5h", "1 h", "1w", "²h", "900000d", "99999999999d", "9" * 5000 + "s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a duration such as 90m, 24h or 7d"):
        parse_duration(text)


def test_a_failure_that_quotes_a_file_sends_the_terminal_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    field = "queries[0].[red]\x1b]0;title\x07"
    assert explain_failure(PackError("no such field", file="shop.yaml", line=3, field=field)) == 2
    told = capsys.readouterr().err
    assert "queries[0].[red] ]0;title : no such field" in told.replace("\n", "")
    assert "\x1b" not in told


def test_a_pipe_that_is_closed_early_is_no_finding() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "interfaces.cli.main", "pack", "explain", "--json"]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, "")
