"""Series in blocks: each is in one, and in the same one wherever that is asked."""

from __future__ import annotations

import os
import subprocess
import sys

from fleet.frames.frame import SeriesKey
from fleet.frames.frame_blocks import blocks_of

KEYS = [SeriesKey.of("memory", {"pod": f"cart-{each}", "namespace": "shop"}) for each in range(60)]
WHERE = """
from tests.fleet.frames.test_frame_blocks import places
print(places())
"""


def places() -> list[list[int]]:
    """For each series, the numbers of the blocks that hold it."""
    blocks = list(blocks_of({"cpu": 3, "memory": len(KEYS)}, most=10))
    return [[number for number, block in enumerate(blocks) if block.holds(key)] for key in KEYS]


def test_a_query_that_is_too_large_is_cut_alike_in_every_process() -> None:
    here = places()
    assert {len(each) for each in here} == {1}
    assert len({each[0] for each in here}) == 8
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        there = subprocess.run(
            [sys.executable, "-c", WHERE], env=environment, capture_output=True, text=True, check=True
        )
        assert there.stdout.strip() == str(here)
