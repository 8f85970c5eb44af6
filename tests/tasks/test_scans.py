from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fleet.errors import UsageError
from tasks.scans import settled

START = datetime(2026, 3, 2, 10, 5, 40, tzinfo=UTC)


def test_a_window_never_ends_in_time_that_may_still_change() -> None:
    assert settled(START - timedelta(hours=3), START) == datetime(2026, 3, 2, 7, 5, tzinfo=UTC)
    assert (
        settled(START, START) == settled(START - timedelta(minutes=1), START) == datetime(2026, 3, 2, 10, 3, tzinfo=UTC)
    )
    with pytest.raises(UsageError, match="not come yet"):
        settled(START + timedelta(hours=1), START)
