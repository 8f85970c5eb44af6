"""What a pack's coverage says of endpoints that are broken, in whole or in part."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from fleet.collectors.prometheus import PrometheusClient, PrometheusLimits, collect_pack
from fleet.collectors.transport import TransportLimits
from fleet.credentials import Credential
from fleet.errors import CredentialMissing, StoreUnavailable
from fleet.frames.coverage import Coverage, CoverageStatus, promql_asked
from fleet.frames.pack import QueryPack
from fleet.frames.window import CHUNK, Window
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Reply, Request, reply
from tests.fleet.collectors.prometheus.packs import pack_of

DAY = Window(start=datetime(2026, 2, 1, tzinfo=UTC), end=datetime(2026, 2, 2, tzinfo=UTC))
MANY = pack_of(*[(f"q{number}", f"m{number}", [f"m{number}"]) for number in range(40)])
PAIR = pack_of(("a", "a", ["a"]), ("b", "b", ["b"]))
WELL = CoverageStatus.OK, CoverageStatus.ABSENT, CoverageStatus.PARTIAL, CoverageStatus.UNKNOWN
OK, ABSENT, PARTIAL, UNKNOWN = WELL


NOT_FOUND = reply("404 page not found", 404, "text/plain")


class FakeApi:
    """Answers as a Prometheus with metrics of these names would: one series of ones for each range query.

    ``special`` may answer a request first; None leaves it to this.
    """

    def __init__(self, names: list[str] | None) -> None:
        self.names = names

    def special(self, request: Request, query: str) -> Reply | None:
        return None

    def __call__(self, request: Request, number: int) -> Reply:
        form = {name: values[0] for name, values in parse_qs(request.body).items()}
        query = form.get("query", "")
        special = self.special(request, query)
        if special is not None:
            return special
        if request.target.startswith("/api/v1/label/__name__/values"):
            return success(self.names) if self.names is not None else NOT_FOUND
        if request.target.startswith("/api/v1/stores"):
            return NOT_FOUND
        if request.target == "/api/v1/query":
            return success({"resultType": "scalar", "result": [1769904000, "1"]})
        times = range(int(float(form["start"])), int(float(form["end"])) + 1, int(form["step"]))
        return matrix([[at, "1"] for at in times])


def success(data: object, **more: object) -> bytes:
    return reply(json.dumps({"status": "success", "data": data, **more}))


def matrix(values: list[list[object]], **more: object) -> bytes:
    result = [{"metric": {"a": "1"}, "values": values}] if values else []
    return success({"resultType": "matrix", "result": result}, **more)


def collected(
    server: ByteServer, pack: QueryPack, window: Window = DAY, **limits: float
) -> list[tuple[Window, Coverage, int]]:
    bounds = PrometheusLimits(
        probe_seconds=1.0,
        transport=TransportLimits(**{"request_seconds": 5.0, **limits}),  # type: ignore[arg-type]
    )
    with PrometheusClient(Endpoint(url=server.url), None, bounds) as client:
        got = list(collect_pack(client, "c1", pack, [window], 30, CHUNK))
    assert [each for each, _, _ in got] == list(window.chunks(CHUNK))
    for each, frame, coverage in got:
        assert frame.window == each
        assert [query.query_id for query in coverage.queries] == [query.id for query in pack.queries]
    return [(each, coverage, len(frame.keys)) for each, frame, coverage in got]


def statuses(coverage: Coverage) -> list[CoverageStatus]:
    return [query.status for query in coverage.queries]


def test_each_query_is_asked_once_for_all_chunks() -> None:
    api = FakeApi([f"m{number}" for number in range(30)])
    with ByteServer(api) as server:
        got = collected(server, MANY)
        ranges = [request for request in server.requests if request.target == "/api/v1/query_range"]
        assert len(ranges) == 30
        # Beside them: whether it is there, whether it is a Thanos, and its metrics' names.
        assert len(server.requests) == 33
        assert not any("dedup" in request.body for request in server.requests)
    for _, coverage, rows in got:
        assert statuses(coverage) == [OK] * 30 + [ABSENT] * 10
        assert (coverage.status, coverage.reason, rows) == (OK, "", 30)
    assert len(got) == 24


def test_no_more_queries_at_a_time_than_allowed() -> None:
    counted = threading.Lock()
    now = most = 0

    class Busy(FakeApi):
        def special(self, request: Request, query: str) -> Reply | None:
            if request.target != "/api/v1/query_range":
                return None

            def answer() -> Iterator[bytes]:
                nonlocal now, most
                with counted:
                    now += 1
                    most = max(most, now)
                time.sleep(0.05)
                with counted:
                    now -= 1
                yield matrix([])

            return answer()

    with ByteServer(Busy([f"m{number}" for number in range(40)])) as server:
        collected(server, MANY)
    assert most == 4


@pytest.mark.parametrize(
    ("answer", "error", "words", "most_requests"),
    [
        (reply("Unauthorized", 401, "text/plain"), "Unauthorized", "credential", 1),
        (reply("Forbidden", 403, "text/plain"), "Forbidden", "right to read", 2),
        (reply("<html>hello</html>", 200, "text/html"), "WrongService", "web page", 2),
        (reply("", 503, "text/plain"), "ServerFailed", "503", 3),
        (b"", "Unreachable", "closed the connection", 3),
        (reply('{"status":"success","da'), "AnswerTruncated", "middle", 3),
    ],
)
def test_a_broken_endpoint_is_found_out_with_few_requests(
    answer: bytes, error: str, words: str, most_requests: int
) -> None:
    with ByteServer(lambda request, number: answer) as server:
        got = collected(server, MANY)
        assert len(server.requests) <= most_requests
    for _, coverage, rows in got:
        assert (coverage.status, coverage.error, rows) == (UNKNOWN, error, 0)
        assert words in coverage.reason
        assert set(statuses(coverage)) == {UNKNOWN}
        assert all(words in query.reason for query in coverage.queries)
        assert coverage.endpoint == server.url


def test_a_cluster_that_hangs_is_given_up_within_the_probes_time() -> None:
    stop = threading.Event()

    def hang(request: Request, number: int) -> Iterator[bytes]:
        stop.wait(20)
        yield b""

    with ByteServer(hang) as server:
        started = time.monotonic()
        got = collected(server, MANY)
        assert time.monotonic() - started < 3
        stop.set()
        assert len(server.requests) == 1
    assert {coverage.error for _, coverage, _ in got} == {"SourceTimeout"}


def test_a_200_mb_answer_to_everything() -> None:
    def flood(request: Request, number: int) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        for _ in range(200):
            yield b" " * (1 << 20)

    with ByteServer(flood) as server:
        got = collected(server, MANY, answer_bytes=10 << 20)
        assert server.sent_bytes < 40 << 20
    assert {(coverage.status, coverage.error) for _, coverage, _ in got} == {(UNKNOWN, "AnswerTooLarge")}


def test_a_server_that_dies_in_the_middle_keeps_what_came() -> None:
    class Dying(FakeApi):
        def special(self, request: Request, query: str) -> Reply | None:
            return b"" if query.startswith("m") and int(query[1:]) >= 20 else None

    with ByteServer(Dying([f"m{number}" for number in range(40)])) as server:
        got = collected(server, MANY, attempts=1)
        assert len(server.requests) < 2 + 20 + 8
    for _, coverage, rows in got:
        assert statuses(coverage) == [OK] * 20 + [UNKNOWN] * 20
        assert (coverage.status, coverage.error, rows) == (PARTIAL, "Unreachable", 20)
        assert "20 of 40 queries" in coverage.reason


def test_queries_that_fail_one_by_one_do_not_end_the_rest() -> None:
    class Flaky(FakeApi):
        def special(self, request: Request, query: str) -> Reply | None:
            return reply("", 500, "text/plain") if query.startswith("m") and int(query[1:]) % 8 == 0 else None

    with ByteServer(Flaky([f"m{number}" for number in range(40)])) as server:
        _, coverage, rows = collected(server, MANY, Window(start=DAY.start, end=DAY.start + CHUNK), attempts=1)[0]
    assert statuses(coverage) == [UNKNOWN if number % 8 == 0 else OK for number in range(40)]
    assert (coverage.status, coverage.error, rows) == (PARTIAL, "ServerFailed", 35)


def test_several_timeouts_in_a_row_end_the_rest() -> None:
    class Sick(FakeApi):
        def special(self, request: Request, query: str) -> Reply | None:
            return reply("", 500, "text/plain") if query.startswith("m") else None

    with ByteServer(Sick([f"m{number}" for number in range(40)])) as server:
        got = collected(server, MANY, attempts=1)
        assert len(server.requests) <= 2 + 3 + 4
    assert {(coverage.status, coverage.error) for _, coverage, _ in got} == {(UNKNOWN, "ServerFailed")}


def test_a_later_part_that_fails_leaves_the_earlier_chunks_whole() -> None:
    noon = (DAY.start + timedelta(hours=12)).timestamp()

    class HalfDay(FakeApi):
        def special(self, request: Request, query: str) -> Reply | None:
            form = parse_qs(request.body)
            if query != "a" or request.target != "/api/v1/query_range":
                return None
            if float(form["end"][0]) - float(form["start"][0]) > 3 * 3600:
                return reply(" " * (2 << 20))
            return reply("", 500, "text/plain") if float(form["start"][0]) >= noon else None

    with ByteServer(HalfDay(["a", "b"])) as server:
        got = collected(server, PAIR, answer_bytes=1 << 20, attempts=1)
    assert [coverage.status for _, coverage, _ in got] == [OK] * 12 + [PARTIAL] * 12
    assert [statuses(coverage)[0] for _, coverage, _ in got] == [OK] * 12 + [UNKNOWN] * 12
    assert [rows for _, _, rows in got] == [2] * 12 + [1] * 12


def test_a_servers_warnings_make_the_query_partial() -> None:
    class Warned(FakeApi):
        def special(self, request: Request, query: str) -> Reply | None:
            return matrix([], warnings=["a store did not answer"]) if query == "a" else None

    with ByteServer(Warned(["a", "b"])) as server:
        _, coverage, _ = collected(server, PAIR)[0]
    assert statuses(coverage) == [PARTIAL, OK]
    assert coverage.queries[0].warnings == ["a store did not answer"]
    assert coverage.status is PARTIAL
    assert "a store did not answer" in coverage.reason


class NoList(FakeApi):
    """A server behind a proxy that does not let the list of names through."""

    def __init__(self, count: Reply) -> None:
        super().__init__(None)
        self._count = count

    def special(self, request: Request, query: str) -> Reply | None:
        if request.target == "/api/v1/query" and "__name__" in query:
            return self._count
        return matrix([]) if query in {"a", "b"} and request.target == "/api/v1/query_range" else None


THREE = pack_of(("a", "a", ["a"]), ("b", "b", ["b"]), ("c", "c", ["c"]))


def test_without_a_list_of_names_empty_answers_are_counted() -> None:
    count = success({"resultType": "vector", "result": [{"metric": {"__name__": "b"}, "value": [1, "3"]}]})
    with ByteServer(NoList(count)) as server:
        _, coverage, _ = collected(server, THREE)[0]
        counts = [request for request in server.requests if "__name__" in parse_qs(request.body).get("query", [""])[0]]
        assert len(counts) == 1
        assert parse_qs(counts[0].body)["query"] == ['count by (__name__) ({__name__=~"a|b|c"})']
    assert statuses(coverage) == [ABSENT, OK, OK]


FORMS = pack_of(
    ("a", "a", ["a", "x"]), ("b", "b", ["b"]), ("c", "c", ["c"]), a=("other", ["d"]), b=("more", ["e", "f"])
)


def test_the_first_form_whose_metrics_are_there_is_asked() -> None:
    with ByteServer(FakeApi(["a", "c", "d", "f"])) as server:
        _, coverage, _ = collected(server, FORMS)[0]
        asked = {parse_qs(each.body)["query"][0] for each in server.requests if each.target == "/api/v1/query_range"}
    assert asked == {"other", "c"}
    assert statuses(coverage) == [OK, ABSENT, OK]
    assert [each.promql for each in coverage.queries] == ["other", "", ""]
    assert coverage.queries[1].reason == "the server has no metric b; nor e"
    assert promql_asked(FORMS.query("a"), [coverage], DAY) == "other"
    assert promql_asked(FORMS.query("c"), [coverage], DAY) == "c"


def test_without_a_list_of_names_a_count_chooses_the_form() -> None:
    count = success({"resultType": "vector", "result": [{"metric": {"__name__": "d"}, "value": [1, "3"]}]})
    with ByteServer(NoList(count)) as server:
        _, coverage, _ = collected(server, FORMS)[0]
    assert statuses(coverage) == [OK, ABSENT, OK]
    assert [each.promql for each in coverage.queries] == ["other", "", ""]
    assert coverage.queries[1].reason == "the server has no metric b; nor e, f"


def test_without_any_list_an_empty_answer_is_unknown() -> None:
    with ByteServer(NoList(reply("", 403, "text/plain"))) as server:
        _, coverage, _ = collected(server, THREE)[0]
    assert statuses(coverage) == [UNKNOWN, UNKNOWN, OK]
    assert "could not be read" in coverage.queries[0].reason
    assert coverage.status is PARTIAL


def test_an_incomplete_list_proves_nothing() -> None:
    class HalfList(FakeApi):
        def special(self, request: Request, query: str) -> Reply | None:
            if request.target.startswith("/api/v1/label/"):
                return success([], warnings=["a store did not answer"])
            return None

    with ByteServer(HalfList(None)) as server:
        _, coverage, rows = collected(server, PAIR)[0]
    assert statuses(coverage) == [OK, OK]
    assert rows == 2


class Missing:
    """A credential store without this cluster's secret, or that cannot be reached."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def credential(self, *, refresh: bool = False) -> Credential | None:
        raise self._error


def test_a_missing_credential_is_coverage_and_a_missing_store_is_not() -> None:
    with ByteServer(FakeApi(["a", "b"])) as server:
        endpoint = Endpoint(url=server.url)
        with PrometheusClient(endpoint, Missing(CredentialMissing("no secret c1"))) as client:
            _, _, coverage = next(iter(collect_pack(client, "c1", PAIR, [DAY], 30, CHUNK)))
        assert (coverage.status, coverage.error) == (UNKNOWN, "CredentialMissing")
        with (
            PrometheusClient(endpoint, Missing(StoreUnavailable("down"))) as client,
            pytest.raises(StoreUnavailable),
        ):
            next(iter(collect_pack(client, "c1", PAIR, [DAY], 30, CHUNK)))
        assert server.requests == []


def test_a_server_that_refuses_the_probe_itself_is_there() -> None:
    class Strict(FakeApi):
        def special(self, request: Request, query: str) -> Reply | None:
            refusal = '{"status":"error","errorType":"bad_data","error":"not of this simulator"}'
            return reply(refusal, 400) if request.target == "/api/v1/query" else None

    with ByteServer(Strict(["a", "b"])) as server:
        _, coverage, _ = collected(server, PAIR)[0]
    assert coverage.status is OK
