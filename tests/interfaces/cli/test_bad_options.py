"""Options that hold nonsense are told in words, before anything is started."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from fleet.errors import UsageError
from interfaces.cli.main import app


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["backtest", "--budget", "inf"], "less than or equal to 5000"),
        (["backtest", "--weeks", "0"], "greater than or equal to 1"),
        (["scan", "--runner", "nonsense"], "threads, processes, dask"),
        (["scan", "--last", "8d"], "from 1h to 168h"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert done.exit_code == 2 and told in done.output


def test_a_backtest_looks_twice_as_scans_do() -> None:
    done = CliRunner().invoke(app, ["backtest"], env={"FLEETSCOPE_SECOND_LOOKS": "nonsense"})
    assert isinstance(done.exception, UsageError) and "'nonsense' for the shortlist" in str(done.exception)
