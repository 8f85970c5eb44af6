"""A series over the day before and the window: in the values of which findings tell."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryKind
from fleet.investigations.question import Material
from fleet.investigations.timeline import Timeline
from tests.fleet.detectors.series import pack_of, query
from tests.fleet.investigations.town import START


def test_a_running_total_is_told_by_its_rate() -> None:
    key = SeriesKey.of("bytes", {"instance": "n"})
    now = 1e6 + 300 * np.arange(120, dtype=np.float32)[None, :]
    past = 3000 * np.arange(288, dtype=np.float32)[None, :]
    material = Material(
        frame=Frame(START, 30, [key], now),
        history=Frame(START - timedelta(days=1), 300, [key], past),
        pack=pack_of(query("bytes", QueryKind.COUNTER)),
        findings=[],
        now=START,
    )
    levels = Timeline.of(material, key).levels
    assert levels.size == 288 + 12
    assert np.isnan(levels[[0, 288]]).all()
    assert np.delete(levels, [0, 288]) == pytest.approx(10)
