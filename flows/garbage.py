"""Python's cyclic garbage collector, less eager: runs build millions of objects that live, and few that are garbage."""

from __future__ import annotations

import gc

_THRESHOLDS = (50_000, 20, 100)


def collect_seldom() -> None:
    """Let 50,000 new objects come together before the collector looks, in this process.

    By default it looks after every 700; reading a fleet's coverage from the database then takes four times as long.
    """
    gc.set_threshold(*_THRESHOLDS)
