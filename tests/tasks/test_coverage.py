"""What a scan tells of its clusters where scans of other windows have left rows, too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fleet.frames.coverage import Coverage, CoverageStatus, Signal
from fleet.frames.signals import FORGOTTEN, SignalCoverage, by_signal
from fleet.frames.window import Window
from storage.stores import Stores
from tasks.coverage import coverage_of
from tasks.questions import LOGS, NOBODY_ASKED
from tests.storage.entities import CLUSTER, hours, scan

MINUTE = timedelta(minutes=1)
WINDOW = hours(0, 4)
ABSENT, UNKNOWN = "the cluster runs no Loki", "no Loki endpoint is registered"


def row(window: Window, status: CoverageStatus, signal: Signal = Signal.LOGS, **fields: Any) -> Coverage:
    collector = "kubernetes" if signal is Signal.EVENTS else LOGS.collector
    told = {"collected_at": window.end, "pack_hash": NOBODY_ASKED, **fields}
    return Coverage(
        cluster_id=CLUSTER, signal=signal, collector=collector, window=window, step_seconds=0, status=status, **told
    )


def told(stores: Stores, signal: Signal, window: Window = WINDOW) -> SignalCoverage:
    [(_, rows)] = coverage_of(stores, scan("s", window), [CLUSTER])
    return next(each for each in by_signal(rows, window) if each.signal is signal)


@pytest.mark.parametrize("earlier", [hours(-1, 3), hours(2, 3), hours(-20, 3.5)])
def test_what_an_earlier_scan_did_not_know_hides_nothing_that_is_known_now(stores: Stores, earlier: Window) -> None:
    """The first scan could not discover the cluster; the next one saw that it runs no Loki."""
    stores.coverage.put([row(earlier, CoverageStatus.UNKNOWN, reason=UNKNOWN)])
    stores.coverage.put([row(WINDOW, CoverageStatus.ABSENT, reason=ABSENT)])
    seen = told(stores, Signal.LOGS)
    assert (seen.status, seen.reasons) == (CoverageStatus.ABSENT, [ABSENT])


@pytest.mark.parametrize("earlier", [hours(-1, 3), hours(2, 3)])
def test_what_was_absent_earlier_need_not_be_now(stores: Stores, earlier: Window) -> None:
    stores.coverage.put([row(earlier, CoverageStatus.ABSENT, reason=ABSENT)])
    stores.coverage.put([row(WINDOW, CoverageStatus.UNKNOWN, reason=UNKNOWN)])
    seen = told(stores, Signal.LOGS)
    assert (seen.status, seen.reasons) == (CoverageStatus.UNKNOWN, [UNKNOWN])


def test_a_scan_within_a_longer_one_is_told_what_that_knew(stores: Stores) -> None:
    stores.coverage.put([row(WINDOW, CoverageStatus.ABSENT, reason=ABSENT)])
    stores.coverage.put([row(hours(2, 3), CoverageStatus.ABSENT, reason=ABSENT)])
    assert told(stores, Signal.LOGS, hours(2, 3)).status is CoverageStatus.ABSENT


def test_where_a_source_was_asked_that_alone_is_told(stores: Stores) -> None:
    stores.coverage.put([row(WINDOW, CoverageStatus.UNKNOWN, reason=UNKNOWN)])
    asked = {"endpoint": "https://there.example", "pack_hash": LOGS.content_hash}
    stores.coverage.put([row(chunk, CoverageStatus.OK, **asked) for chunk in WINDOW.chunks()])
    assert told(stores, Signal.LOGS).status is CoverageStatus.OK


@pytest.mark.parametrize("failed", [5, 25])
def test_a_look_at_events_that_failed_takes_nothing_from_another_of_that_hour(stores: Stores, failed: int) -> None:
    def look(minute: int, status: CoverageStatus) -> Coverage:
        at = WINDOW.end + minute * MINUTE
        return row(Window.before(at, timedelta(hours=1)), status, Signal.EVENTS, endpoint="https://api.example")

    stores.coverage.put([look(failed, CoverageStatus.UNKNOWN), look(15, CoverageStatus.OK)])
    seen = told(stores, Signal.EVENTS)
    assert (seen.status, seen.missed) == (CoverageStatus.OK, False)


@pytest.mark.parametrize(("minutes", "status"), [(59, CoverageStatus.OK), (61, CoverageStatus.UNKNOWN)])
def test_events_that_were_read_too_late_are_unknown(stores: Stores, minutes: int, status: CoverageStatus) -> None:
    look = Window.before(WINDOW.end + minutes * MINUTE, timedelta(hours=1))
    stores.coverage.put([row(look, CoverageStatus.OK, Signal.EVENTS, endpoint="https://api.example")])
    seen = told(stores, Signal.EVENTS)
    assert (seen.status, seen.reasons) == (status, [] if status is CoverageStatus.OK else [FORGOTTEN])
