"""Windows and grids as people ask for them."""

from __future__ import annotations

import pytest
import typer

from interfaces.cli.query.options import grid_of, window_of


@pytest.mark.parametrize(("last", "step", "seconds"), [("1h", "", 15), ("3650d", "", 86_400), ("1h", "30s", 30)])
def test_the_step_of_a_range(last: str, step: str, seconds: int) -> None:
    assert grid_of(window_of(last, ""), step)[1] == seconds


def test_a_range_has_points_that_a_server_can_give() -> None:
    with pytest.raises(typer.BadParameter, match=r"--step 1s makes 259,200,000 points .* 100,000"):
        grid_of(window_of("3000d", ""), "1s")
    with pytest.raises(typer.BadParameter, match="longer than the window"):
        grid_of(window_of("1h", ""), "2h")
