"""Every collector meets every fault, and its coverage says which it was."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fleet.collectors.transport import TransportLimits
from fleet.frames.coverage import CoverageStatus
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.conformance.adapter import CLUSTER_ID, WINDOW, Adapter, Closeable, Outcome
from tests.fleet.collectors.conformance.adapters import ADAPTERS
from tests.fleet.collectors.conformance.cases import (
    ANSWER_BYTES,
    SAME_FOR_ALL,
    Case,
    cut_body,
    cut_json,
    dripping,
    flood,
)
from tests.fleet.collectors.conformance.table import DOCUMENT, document_table, table
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Reply, Request, reply, wait_until
from tests.fleet.collectors.prometheus.certificates import KeyPair

LIMITS = TransportLimits(request_seconds=5.0, connect_seconds=2.0, attempts=2, answer_bytes=ANSWER_BYTES)
IMPATIENT = TransportLimits(request_seconds=0.5, connect_seconds=0.5, attempts=1, answer_bytes=ANSWER_BYTES)
HANGING = {Case.SILENT, Case.DRIPPING}
COMBINATIONS = [(adapter, case) for adapter in ADAPTERS for case in Case if adapter.expected(case) is not None]


class Server:
    """Behaves as a case says, beside what the adapter's sound server would."""

    def __init__(self, adapter: Adapter, case: Case) -> None:
        self.adapter, self.case = adapter, case
        self.server: ByteServer | None = None
        self.began = threading.Event()

    def __call__(self, request: Request, number: int) -> Reply:
        fault = SAME_FOR_ALL.get(self.case)
        if fault is not None:
            return fault
        special = self._special().get(self.case)
        return special(request, number) if special is not None else self.adapter.answer(request)

    def _special(self) -> dict[Case, Callable[[Request, int], Reply]]:
        adapter = self.adapter
        down = reply("", 503, "text/plain")
        once = reply("slow down", 429, "text/plain", Retry_After="0")
        return {
            Case.EMPTY: lambda request, _: adapter.empty(request),
            Case.WARNED: lambda request, _: (adapter.warned or adapter.answer)(request),
            Case.FAILS_LATER: lambda request, number: adapter.answer(request) if number <= adapter.answered else down,
            Case.REFUSED_QUERY: lambda _, __: adapter.refusal,
            Case.THROTTLED_ONCE: lambda request, number: once if number == 1 else adapter.answer(request),
            Case.CUT_BODY: lambda request, _: cut_body(adapter.answer(request)),
            Case.CUT_JSON: lambda request, _: cut_json(adapter.answer(request)),
            Case.HUGE: lambda _, __: flood(),
            Case.SILENT: lambda _, __: self._silence(),
            Case.DRIPPING: lambda _, __: dripping(self._running, 0.1),
            Case.CALLED_OFF: lambda _, __: self._slowly(),
        }

    def _running(self) -> ByteServer:
        assert self.server is not None
        return self.server

    def _silence(self) -> Reply:
        self._running().pause(30)
        return b""

    def _slowly(self) -> Reply:
        self.began.set()
        return dripping(self._running, 0.05)


def collected(adapter: Adapter, case: Case, pair: KeyPair) -> Outcome:
    script = Server(adapter, case)
    clients: list[Closeable] = []
    with ByteServer(script, certificate=pair if case is Case.UNKNOWN_AUTHORITY else None) as server:
        script.server = server
        limits = IMPATIENT if case in HANGING else LIMITS
        if case is Case.NOBODY:
            server.__exit__(None, None, None)
        if case is Case.CALLED_OFF:
            threading.Thread(target=lambda: (script.began.wait(10), clients[0].close()), daemon=True).start()
        outcome = adapter.collect(Endpoint(url=server.url), limits, clients.append)
        assert outcome.coverage.endpoint == server.url
    return outcome


@pytest.mark.parametrize(("adapter", "case"), COMBINATIONS, ids=lambda each: each.name)
def test_coverage_says_what_was_not_seen(adapter: Adapter, case: Case, server_pair: KeyPair) -> None:
    began = time.monotonic()
    outcome = collected(adapter, case, server_pair)
    # Nothing waits longer than its requests may take.
    assert time.monotonic() - began < 20
    coverage, expected = outcome.coverage, adapter.expected(case)
    assert expected is not None
    assert (coverage.status, coverage.error) == (expected.status, expected.error), coverage.reason
    assert (coverage.signal, coverage.cluster_id, coverage.window) == (adapter.signal, CLUSTER_ID, WINDOW)
    assert coverage.collected_at is not None
    if expected.status is CoverageStatus.OK:
        assert coverage.reason == ""
    else:
        assert len(coverage.reason) > 10
        assert coverage.reason.isprintable()
    if expected.status is CoverageStatus.UNKNOWN:
        assert outcome.things == 0
    if case in {Case.WHOLE, Case.WARNED, Case.FAILS_LATER, Case.THROTTLED_ONCE}:
        assert outcome.things > 0
    if case is Case.FAILS_LATER:
        assert outcome.things <= collected(adapter, Case.WHOLE, server_pair).things


def test_a_warning_is_in_the_reason(server_pair: KeyPair) -> None:
    for adapter in ADAPTERS:
        if adapter.warned is not None:
            coverage = collected(adapter, Case.WARNED, server_pair).coverage
            assert "store" in coverage.reason or "partial results" in coverage.reason


def test_the_documented_table_is_what_is_tested() -> None:
    """``python -m tests.fleet.collectors.conformance.table`` writes it anew."""
    assert document_table(Path(DOCUMENT).read_text(encoding="utf-8")) == table()


def test_an_endpoint_that_went_away_is_asked_no_more_than_needed(server_pair: KeyPair) -> None:
    for adapter in ADAPTERS:
        script = Server(adapter, Case.UNAUTHORIZED)
        with ByteServer(script) as server:
            adapter.collect(Endpoint(url=server.url), LIMITS, lambda _: None)
            wait_until(lambda server=server: len(server.requests) >= 1)  # type: ignore[misc]
            assert len(server.requests) <= 2, adapter.name
