"""Our Loki collector against the simulated one, over HTTPS: its story, pushed lines, bulk lines, tenants and tails."""

from __future__ import annotations

import itertools
import json
import re
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fleet.collectors.loki import (
    Direction,
    LogQuery,
    LogReading,
    LogRequest,
    LokiClient,
    LokiLimits,
    WrittenQuery,
    collect_logs,
)
from fleet.collectors.loki.error_lines import ERROR_LEVELS, ERROR_TEXT, error_sources
from fleet.collectors.loki.federated import LogTarget, federated_logs
from fleet.collectors.loki.gateway import tenants_of
from fleet.collectors.loki.logql import (
    Contains,
    LabelFilter,
    LineFilter,
    Match,
    Matcher,
    Parse,
    Parser,
    count_over_time,
    rate,
)
from fleet.collectors.loki.place_labels import OPENSHIFT, PLAIN, place_labels_of
from fleet.collectors.loki.sampling import sample_error_lines
from fleet.collectors.loki.tail import LogTail
from fleet.collectors.transport import TransportLimits
from fleet.errors import QueryRefused
from fleet.frames.coverage import CoverageStatus
from fleet.frames.log_frame import time_of
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint, EndpointKind
from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import BrokenMode
from tests.fleet.collectors.kubernetes.simulated import TokenOf, registered

OPENSHIFT_CLUSTER, PLAIN_CLUSTER = "fra-01", "dub-01"
ANY = WrittenQuery('{service_name=~".+"}')
NO_WAITING = LokiLimits(transport=TransportLimits(attempts=1, request_seconds=10.0), tail_pause_seconds=0.05)


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=3)) as running:
        yield running


@pytest.fixture(scope="module")
def hour(fleet: SimulatedFleet) -> Window:
    """The last hour before the fleet's anchor."""
    return Window.before(datetime.fromisoformat(fleet.truth["anchor"]), timedelta(hours=1))


Open = Callable[..., LokiClient]


@pytest.fixture
def opened(fleet: SimulatedFleet) -> Iterator[Open]:
    clients: list[LokiClient] = []

    def open_client(name: str = PLAIN_CLUSTER, limits: LokiLimits = NO_WAITING, path: str = "") -> LokiClient:
        endpoint = registered(fleet, name).endpoints[EndpointKind.LOKI]
        endpoint = Endpoint.model_validate({**endpoint.model_dump(), "url": endpoint.url + path})
        clients.append(LokiClient(endpoint, TokenOf(fleet, name), limits))
        return clients[-1]

    yield open_client
    for client in clients:
        client.close()


def push(fleet: SimulatedFleet, name: str, labels: dict[str, str], lines: list[tuple[int, str]]) -> None:
    endpoint = registered(fleet, name).endpoints[EndpointKind.LOKI]
    document = {"streams": [{"stream": labels, "values": [[str(at), line] for at, line in lines]}]}
    request = urllib.request.Request(  # noqa: S310 - the simulator's own address
        f"{endpoint.url}/loki/api/v1/push",
        data=json.dumps(document).encode(),
        headers={"Authorization": f"Bearer {fleet.token(name)}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(  # noqa: S310
        request, context=ssl.create_default_context(cadata=endpoint.ca_pem), timeout=30
    ) as answer:
        assert answer.status == 204


@pytest.mark.parametrize("direction", Direction)
def test_the_lines_of_an_hour(opened: Open, hour: Window, direction: Direction) -> None:
    client = opened()
    frame, coverage = collect_logs(client, "c1", LogRequest(ANY, hour, direction=direction))
    assert (coverage.status, coverage.reason, coverage.signal, coverage.collector) == (
        CoverageStatus.OK,
        "",
        "logs",
        "loki",
    )
    count = client.query(count_over_time(ANY, 3600), hour.end)
    assert len(frame) == count.total > 1000
    assert hour.contains(time_of(int(frame.timestamps_ns[0])))
    assert hour.contains(time_of(int(frame.timestamps_ns[-1])))
    series = client.series([ANY.selector], hour)
    names = set(client.labels(hour))
    assert {name for labels in series for name in labels} == names
    pods = {labels["pod"] for labels in frame.streams if "pod" in labels}
    assert pods == set(client.label_values("pod", hour))


def test_a_query_of_typed_parts(opened: Open, hour: Window) -> None:
    client = opened()
    namespace = client.label_values("namespace", hour)[0]
    query = LogQuery(PLAIN.matchers(namespaces=[namespace]))
    every, _ = collect_logs(client, "c1", LogRequest(query, hour))
    assert {labels["namespace"] for labels in every.streams} == {namespace}
    word = every.line(0).split()[-1]
    found, _ = collect_logs(client, "c1", LogRequest(query.narrowed(LineFilter(Contains.TEXT, word)), hour))
    assert found.lines.to_pylist() == [line for line in every.lines.to_pylist() if word in line]
    rest, _ = collect_logs(client, "c1", LogRequest(query.narrowed(LineFilter(Contains.NO_TEXT, word)), hour))
    assert len(found) + len(rest) == len(every)
    # Numbers of lines of which one cannot be parsed are refused unless such lines are left out.
    readable = query.narrowed(Parse(Parser.LOGFMT), LabelFilter("__error__", Match.EQUAL, ""))
    matrix = client.query_range(rate(readable, 300, ["pod"]), hour, 300)
    assert matrix.series
    assert {each.labels["pod"] for each in matrix.series} <= set(client.label_values("pod", hour, query.selector))
    assert all((each.values >= 0).all() for each in matrix.series)


def test_quoted_texts_find_what_was_written(fleet: SimulatedFleet, opened: Open) -> None:
    at = time.time_ns() - 10_000_000_000
    texts = ['say "hi"', "back\\slash", "tick`tick", "tab\there", "{a=1} |= x", "naïve ☃", ".*", "\x1b[31mred"]
    for place, text in enumerate(texts):
        push(fleet, PLAIN_CLUSTER, {"app": "quoting", "odd": text}, [(at + place, f"before {text} behind")])
    window = Window(start=time_of(at) - timedelta(seconds=1), end=time_of(at) + timedelta(seconds=1))
    app = Matcher("app", Match.EQUAL, "quoting")
    for text in texts:
        for query in (
            LogQuery((app, Matcher("odd", Match.EQUAL, text))),
            LogQuery((app,), (LineFilter(Contains.TEXT, text),)),
        ):
            frame, coverage = collect_logs(opened(), "c1", LogRequest(query, window))
            assert frame.lines.to_pylist() == [f"before {text} behind"], coverage.reason


@pytest.mark.parametrize(
    ("direction", "page"), [*itertools.product(Direction, [5000, 2500, 700]), (Direction.FORWARD, 1)]
)
def test_a_hundred_thousand_lines_of_fifty_times_come_once(
    opened: Open, hour: Window, direction: Direction, page: int
) -> None:
    query = WrittenQuery('{bulk="100000", distinct="50", parts="4"}')
    client = opened(limits=replace(NO_WAITING, page_lines=page))
    reading = LogReading(client, "c1", LogRequest(query, hour, direction=direction))
    numbers: list[int] = []
    for frame in reading:
        assert len(frame) <= max(page, 5000)
        numbers += [int(line.partition(" number=")[2][:9]) for line in frame.lines.to_pylist()]
    assert reading.coverage.status is CoverageStatus.OK, reading.coverage.reason
    assert len(numbers) == 100_000
    assert np.array_equal(np.sort(numbers), np.arange(100_000))


def test_more_lines_of_one_time_than_the_server_gives_are_partial(opened: Open, hour: Window) -> None:
    query = WrittenQuery('{bulk="18000", distinct="3"}')
    frame, coverage = collect_logs(opened(), "c1", LogRequest(query, hour))
    assert len(frame) == 3 * 5000
    assert coverage.status is CoverageStatus.PARTIAL
    assert coverage.reason.count("more lines of one time than the server hands out: 5,000 were read") == 3


@pytest.mark.parametrize("direction", Direction)
def test_no_more_than_was_asked_for(opened: Open, hour: Window, direction: Direction) -> None:
    request = LogRequest(WrittenQuery('{bulk="20000"}'), hour, most_lines=7, direction=direction)
    frame, coverage = collect_logs(opened(), "c1", request)
    assert coverage.status is CoverageStatus.PARTIAL
    assert coverage.reason == "there are more than the 7 lines that were asked for"
    numbers = [int(line.partition(" number=")[2][:9]) for line in frame.lines.to_pylist()]
    assert numbers == (list(range(7)) if direction is Direction.FORWARD else list(range(19_993, 20_000)))


def test_as_many_as_there_are_is_no_cut(opened: Open, hour: Window) -> None:
    frame, coverage = collect_logs(opened(), "c1", LogRequest(WrittenQuery('{bulk="90"}'), hour, most_lines=90))
    assert (len(frame), coverage.status) == (90, CoverageStatus.OK)


@pytest.mark.parametrize("direction", Direction)
def test_a_query_too_heavy_is_narrowed_and_says_so(opened: Open, hour: Window, direction: Direction) -> None:
    client = opened(limits=replace(NO_WAITING, scanned_bytes=100_000))
    frame, coverage = collect_logs(client, "c1", LogRequest(ANY, hour, direction=direction))
    assert coverage.status is CoverageStatus.PARTIAL
    assert "too much for one query" in coverage.reason
    assert coverage.window == hour
    whole, _ = collect_logs(opened(), "c1", LogRequest(ANY, hour))
    assert 0 < len(frame) < len(whole) / 2
    forward = direction is Direction.FORWARD
    part = whole.slice(0, len(frame)) if forward else whole.slice(len(whole) - len(frame), len(whole))
    assert frame.lines.to_pylist() == part.lines.to_pylist()


def test_a_query_that_is_none_is_unknown(opened: Open, hour: Window) -> None:
    frame, coverage = collect_logs(opened(), "c1", LogRequest(WrittenQuery('{a="b"} ||'), hour))
    assert len(frame) == 0
    assert (coverage.status, coverage.error) == (CoverageStatus.UNKNOWN, "QueryRefused")
    assert "parse error" in coverage.reason
    with pytest.raises(QueryRefused, match="parse error"):
        opened().query("sum(", hour.end)


def test_labels_of_places_by_what_a_loki_has(opened: Open, hour: Window) -> None:
    assert place_labels_of(opened(OPENSHIFT_CLUSTER).labels(hour)) is OPENSHIFT
    assert place_labels_of(opened(PLAIN_CLUSTER).labels(hour)) is PLAIN


def test_the_tenants_of_a_gateway(opened: Open, hour: Window) -> None:
    [own] = tenants_of(opened(PLAIN_CLUSTER), hour)
    assert (own.name, own.fault) == ("", None)
    tenants = tenants_of(opened(OPENSHIFT_CLUSTER, path="/api/logs/v1"), hour)
    assert [tenant.name for tenant in tenants] == ["application", "infrastructure", "audit"]
    query = LogQuery((Matcher("kubernetes_namespace_name", Match.REGEX, ".+"),))
    targets = [LogTarget(tenant.name, tenant.name, tenant.client) for tenant in tenants if tenant.fault is None]
    found = federated_logs(targets, LogRequest(query, hour, most_lines=200))
    assert {labels["cluster"] for labels in found.frame.streams} >= {"application", "infrastructure"}
    # index/stats is not routed there, and nothing is missing for it.
    assert {coverage.error for coverage in found.coverage} == {""}


def test_one_query_over_clusters_of_which_one_is_broken(fleet: SimulatedFleet, opened: Open, hour: Window) -> None:
    names = ["fra-01", "dub-01", "iad-01"]
    fleet.set_broken("iad-01", BrokenMode.UNAVAILABLE)
    try:
        targets = [LogTarget(f"id-{name}", name, opened(name)) for name in names]
        found = federated_logs(targets, LogRequest(ANY, hour, most_lines=300))
    finally:
        fleet.set_broken("iad-01", None)
    assert {labels["cluster"] for labels in found.frame.streams} == {"fra-01", "dub-01"}
    assert (np.diff(found.frame.timestamps_ns) >= 0).all()
    assert [coverage.cluster_id for coverage in found.coverage] == [f"id-{name}" for name in names]
    assert found.coverage[2].status is CoverageStatus.UNKNOWN
    assert found.coverage[2].error == "ServerFailed"
    assert len(found.frame) == 600


def test_a_tail_tells_what_is_pushed_and_goes_on_after_the_server_ended_it(fleet: SimulatedFleet, opened: Open) -> None:
    query = LogQuery((Matcher("app", Match.EQUAL, "tailed"),))
    said: list[str] = []
    notes: list[str] = []
    with LogTail(opened(), query, since=datetime.now(UTC)) as tail:
        push(fleet, PLAIN_CLUSTER, {"app": "tailed"}, [(time.time_ns(), "one")])
        for piece in tail:
            said += piece.frame.lines.to_pylist()
            notes += piece.notes
            if said == ["one"] and not notes:
                fleet.end_tails(PLAIN_CLUSTER)
            elif said == ["one"] and notes:
                push(fleet, PLAIN_CLUSTER, {"app": "tailed"}, [(time.time_ns(), "two")])
            elif said == ["one", "two"]:
                break
    assert "reached tail max duration limit" in notes[0]


@pytest.mark.parametrize("name", [OPENSHIFT_CLUSTER, PLAIN_CLUSTER])
def test_error_lines_by_the_detected_level_and_by_what_undetected_lines_say(
    opened: Open, hour: Window, name: str
) -> None:
    client = opened(name)
    found = list(sample_error_lines(client, "c1", list(hour.chunks()), 2000))
    [(coverage, frame)] = found
    assert (coverage.status, coverage.reason, coverage.signal) == (CoverageStatus.OK, "", "logs")
    every, _ = collect_logs(client, "c1", LogRequest(ANY, hour))
    levels = [every.labels(row)["detected_level"] for row in range(len(every))]
    told = re.compile(ERROR_TEXT)
    wanted = [
        every.line(row)
        for row, level in enumerate(levels)
        if every.labels(row).get("log_type") != "audit"
        and (level in ERROR_LEVELS or (level == "unknown" and told.search(every.line(row))))
    ]
    assert sorted(frame.lines.to_pylist()) == sorted(wanted)
    assert wanted


def test_error_lines_of_a_gateway_are_those_of_the_tenants_that_hold_logs(opened: Open, hour: Window) -> None:
    gateway = opened(OPENSHIFT_CLUSTER, path="/api/logs/v1")
    sources = error_sources(gateway, hour)
    assert [source.tenant for source in sources] == ["application", "infrastructure"]
    assert 'kubernetes_namespace_name=~".+"' in str(sources[0].queries[0])
    [(coverage, frame)] = sample_error_lines(gateway, "c1", list(hour.chunks()), 2000)
    [(_, whole)] = sample_error_lines(opened(OPENSHIFT_CLUSTER), "c1", list(hour.chunks()), 2000)
    assert coverage.status is CoverageStatus.OK
    assert sorted(frame.lines.to_pylist()) == sorted(whole.lines.to_pylist())


def test_a_sample_that_has_enough_is_whole_by_design(opened: Open, hour: Window) -> None:
    request = LogRequest(WrittenQuery('{bulk="20000"}'), hour, enough=7)
    frame, coverage = collect_logs(opened(), "c1", request)
    assert len(frame) == 7
    assert (coverage.status, coverage.reason) == (CoverageStatus.OK, "a sample: the newest 7 lines of more")
