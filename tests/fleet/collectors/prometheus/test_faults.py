"""The collector against servers that do not behave, byte for byte."""

from __future__ import annotations

import json
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import numpy as np
import pytest
from pydantic import SecretStr

from fleet.collectors.prometheus import PrometheusClient, PrometheusLimits
from fleet.collectors.transport import AnswerSlots, TransportLimits
from fleet.collectors.transport.faults import retry_after_seconds
from fleet.collectors.transport.http import HttpTransport
from fleet.credentials import Credential
from fleet.errors import (
    AnswerTooLarge,
    AnswerTruncated,
    Forbidden,
    QueryRefused,
    ServerFailed,
    SourceError,
    SourceTimeout,
    Throttled,
    TlsFailed,
    Unauthorized,
    Unreachable,
    WrongService,
)
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Request, Script, reply, slowly
from tests.fleet.collectors.prometheus.certificates import Authority

AT = datetime(2026, 2, 1, tzinfo=UTC)
HOUR = Window(start=AT, end=AT + timedelta(hours=1))
ONE = '{"status":"success","data":{"resultType":"scalar","result":[1769904000,"1"]}}'
SIGN_IN = "<!DOCTYPE html><html><form>Log in with your account <input type=password></form></html>"
WELCOME = "<html><body><h1>Welcome to nginx!</h1></body></html>"
SECRET = "sha256~very-secret"


class Renewing:
    """A credential source whose token changes when it is refreshed."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)
        self.refreshes = 0

    def credential(self, *, refresh: bool = False) -> Credential | None:
        if refresh:
            self.refreshes += 1
            self._tokens = self._tokens[1:] or self._tokens
        return Credential(token=SecretStr(self._tokens[0]))


def client_of(server: ByteServer, source: Renewing | None = None, **limits: float) -> PrometheusClient:
    bounds = TransportLimits(**{"request_seconds": 10.0, **limits})  # type: ignore[arg-type]
    return PrometheusClient(Endpoint(url=server.url), source, PrometheusLimits(transport=bounds))


def always(answer: bytes) -> Script:
    return lambda request, number: answer


def failure(server: ByteServer, source: Renewing | None = None, **limits: float) -> SourceError:
    with client_of(server, source, **limits) as client, pytest.raises(SourceError) as caught:
        client.query("1", AT)
    error = caught.value
    assert error.endpoint == server.url
    assert SECRET not in f"{error} {error!r} {error.__cause__} {error.__dict__}"
    return error


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (reply("Unauthorized\n", 401, "text/plain"), Unauthorized, "did not accept the credential"),
        (reply("Forbidden (user=x, verb=create)\n", 403, "text/plain"), Forbidden, r"verb=create"),
        (reply(SIGN_IN, 403, "text/html"), Unauthorized, "sign-in page"),
        (reply(SIGN_IN, 200, "text/html"), Unauthorized, "sign-in page"),
        (reply(WELCOME, 200, "text/html; charset=utf-8"), WrongService, "web page"),
        (reply(WELCOME, 200, "application/json"), WrongService, "web page"),
        (reply("", 302, "text/html", Location="/oauth/authorize?x"), Unauthorized, "sign-in"),
        (reply("", 302, "text/html", Location="https://oauth-openshift.apps.x/"), Unauthorized, "sign-in"),
        (
            reply("", 301, "text/html", Location="https://elsewhere/prom"),
            WrongService,
            "redirects to https://elsewhere/prom",
        ),
        (reply("404 page not found\n", 404, "text/plain"), WrongService, "no such API"),
        (
            reply("Bad Request. The request or configuration is malformed.\n", 400, "text/plain"),
            WrongService,
            "malformed",
        ),
        (reply('{"status":"error","errorType":"bad_data","error":"parse error"}', 400), QueryRefused, "parse error"),
        (reply('{"status":"error","errorType":"execution","error":"many"}', 422), QueryRefused, "many"),
        (reply('{"status":"error","errorType":"bad_data","error":"no"}', 200), QueryRefused, "no"),
        (reply('{"status":"error","errorType":"timeout","error":"timed out"}', 503), SourceTimeout, "gave up"),
        (reply('{"status":"error","errorType":"internal","error":"disk"}', 500), ServerFailed, "disk"),
        (reply("<html>Application is not available</html>", 503, "text/html"), ServerFailed, "router"),
        (reply("<html>Down. <a href=/login>Log in</a> later</html>", 503, "text/html"), ServerFailed, "router"),
        (reply("<html>Nothing here. <a href=/login>Log in</a></html>", 404, "text/html"), WrongService, "no such API"),
        (reply("<html>Slow down. <a href=/login>Log in</a></html>", 429, "text/html"), Throttled, "pause"),
        (reply("", 502, "text/plain"), ServerFailed, "502"),
        (reply("{not json", 500), ServerFailed, "500"),
        (reply('{"hello":"world"}'), WrongService, "not of this API"),
        (
            reply('{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1]}]}}'),
            WrongService,
            "API",
        ),
        (reply("[1,2,3]"), WrongService, "not of this API"),
        (reply("OK", content_type="text/plain"), WrongService, "no JSON"),
        (reply("[" * 100_000), WrongService, "no JSON|not of this API"),
        (reply(b"\xff\xfe{}"), WrongService, "no JSON"),
        (reply(""), AnswerTruncated, "middle"),
        (reply(ONE[:40]), AnswerTruncated, "middle"),
        (reply(ONE).replace(b"Content-Length: 7", b"Content-Length: 9"), AnswerTruncated, "middle"),
        (b"220 mail.example ESMTP\r\n\r\n", WrongService, "HTTP"),
        (b"", Unreachable, "closed the connection"),
        (b"HTTP/1.1 200 OK\r\nContent-", Unreachable, "closed the connection"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip at all", AnswerTruncated, "middle"),
    ],
)
def test_what_a_server_answers_decides_the_error(answer: bytes, kind: type[SourceError], words: str) -> None:
    with ByteServer(always(answer)) as server:
        error = failure(server, attempts=1)
    assert type(error) is kind
    assert re.search(words, str(error)), str(error)
    assert "<" not in str(error)


@pytest.mark.parametrize(
    "odd", ["\\ud800", "\\u202e", "\\u200f", "\\u061c", "\\u0000", "\\u001b[31m", "\\u2028", "\\ufeff"]
)
def test_a_servers_words_are_ones_that_can_be_shown_and_stored(odd: str) -> None:
    body = f'{{"status":"error","errorType":"bad_data","error":"parse {odd} error"}}'
    with ByteServer(always(reply(body, 400))) as server:
        error = failure(server, attempts=1)
    assert isinstance(error, QueryRefused)
    assert error.message.isprintable()
    assert "parse" in error.message.encode().decode()


def test_redirects_are_not_followed() -> None:
    with ByteServer(always(reply(ONE))) as target:
        moved = reply("", 307, "text/plain", Location=f"{target.url}/api/v1/query")
        with ByteServer(always(moved)) as server:
            error = failure(server, Renewing(SECRET))
        assert isinstance(error, WrongService)
        assert target.requests == []


@pytest.mark.parametrize(
    ("answer", "requests"),
    [
        (reply("", 503, "text/plain"), 3),
        (b"", 3),
        (reply(ONE[:40]), 1),
        (reply(ONE).replace(b"Content-Length: 7", b"Content-Length: 9"), 3),
        (reply("", 429, "text/plain"), 3),
        (reply("", 401, "text/plain"), 1),
        (reply('{"status":"error","errorType":"bad_data","error":"x"}', 400), 1),
        (reply('{"status":"error","errorType":"timeout","error":"x"}', 503), 1),
    ],
)
def test_only_what_can_pass_is_asked_again(answer: bytes, requests: int) -> None:
    with ByteServer(always(answer)) as server:
        failure(server)
        assert len(server.requests) == requests


def test_a_fault_that_passes_is_not_seen() -> None:
    with (
        ByteServer(lambda request, number: reply("", 503, "text/plain") if number < 3 else reply(ONE)) as server,
        client_of(server) as client,
    ):
        assert client.query("1", AT).samples[0].value == 1
        assert len(server.requests) == 3


@pytest.mark.parametrize("date", [False, True])
def test_retry_after_is_kept(date: bool) -> None:
    arrivals: list[float] = []

    def script(request: Request, number: int) -> bytes:
        arrivals.append(time.monotonic())
        # A date has whole seconds: two from now are at least one.
        when = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True) if date else "1"
        return reply("", 429, "text/plain", Retry_After=when) if number == 1 else reply(ONE)

    with ByteServer(script) as server, client_of(server) as client:
        client.query("1", AT)
    assert 1.0 <= arrivals[1] - arrivals[0] < 4.0


def test_a_pause_longer_than_we_wait_is_not_begun() -> None:
    with ByteServer(always(reply("", 429, "text/plain", Retry_After="3600"))) as server:
        error = failure(server)
        assert isinstance(error, Throttled)
        assert error.retry_after_seconds == 3600
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 7 ", 7.0),
        ("Sun, 01 Feb 2026 00:00:30 GMT", 30.0),
        ("Sat, 31 Jan 2026 00:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("9" * 400, 999_999_999.0),
        (None, None),
    ],
)
def test_retry_after_in_its_forms(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, AT) == seconds


def token_of(request: Request) -> str:
    return next((line.split(" ")[-1] for line in request.head.split("\r\n") if line.startswith("Authorization")), "")


def accepts(token: str) -> Script:
    return lambda request, number: reply(ONE) if token_of(request) == token else reply("", 401, "text/plain")


def test_a_credential_is_refreshed_once() -> None:
    source = Renewing("old", "new")
    with ByteServer(accepts("new")) as server, client_of(server, source) as client:
        client.query("1", AT)
        client.query("1", AT)
        assert [token_of(request) for request in server.requests] == ["old", "new", "new"]
    assert source.refreshes == 1


def test_a_refresh_that_does_not_help_is_not_repeated() -> None:
    source = Renewing("old", "new", "newer")
    with ByteServer(accepts("right")) as server, client_of(server, source) as client:
        for _ in range(3):
            with pytest.raises(Unauthorized):
                client.query("1", AT)
        assert [token_of(request) for request in server.requests] == ["old", "new", "new", "new"]
    assert source.refreshes == 1


def test_an_unchanged_credential_is_not_sent_again() -> None:
    with ByteServer(accepts("right")) as server:
        failure(server, Renewing("same"))
        assert len(server.requests) == 1


def test_threads_that_meet_a_401_together_refresh_once() -> None:
    source = Renewing("old", "new")
    meeting = threading.Barrier(4, timeout=10)

    def script(request: Request, number: int) -> bytes:
        if token_of(request) == "old":
            meeting.wait()
            return reply("", 401, "text/plain")
        return reply(ONE)

    with ByteServer(script) as server, client_of(server, source) as client:
        threads = [threading.Thread(target=client.query, args=("1", AT)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=20)
        assert sorted(token_of(request) for request in server.requests) == ["new"] * 4 + ["old"] * 4
    assert source.refreshes == 1


def test_a_server_that_echoes_the_credential_does_not_make_us_print_it() -> None:
    def script(request: Request, number: int) -> bytes:
        return reply(f"bad request: {request.head}", 400, "text/plain")

    with ByteServer(script) as server:
        assert "***" in str(failure(server, Renewing(SECRET)))


def test_what_a_sound_answer_echoes_is_no_secret_either() -> None:
    echo = ONE.replace('"success"', f'"success","warnings":["you are {SECRET}"]')
    with ByteServer(always(reply(echo))) as server, client_of(server, Renewing(SECRET)) as client:
        assert client.query("up", AT).notes.warnings == ["you are ***"]


@pytest.mark.parametrize("token", [f"{SECRET}\nX-Other: 1", f"{SECRET} é", ""])
def test_a_token_that_no_header_carries(token: str) -> None:
    with ByteServer(always(reply(ONE))) as server:
        error = failure(server, Renewing(token))
        assert isinstance(error, Unauthorized)
        assert server.requests == []


def test_post_first_and_get_where_post_is_refused() -> None:
    def script(request: Request, number: int) -> bytes:
        return reply(ONE) if request.method == "GET" else reply("Method Not Allowed", 405, "text/plain")

    with ByteServer(script) as server, client_of(server) as client:
        client.query("sum(x)", AT)
        client.query("sum(y)", AT)
        assert [request.method for request in server.requests] == ["POST", "GET", "GET"]
        assert parse_qs(server.requests[-1].target.partition("?")[2])["query"] == ["sum(y)"]
        assert parse_qs(server.requests[0].body)["query"] == ["sum(x)"]


def test_get_where_a_role_grants_only_get() -> None:
    def script(request: Request, number: int) -> bytes:
        if request.method == "GET":
            return reply(ONE)
        return reply("Forbidden (user=u, verb=create, resource=prometheuses)", 403, "text/plain")

    with ByteServer(script) as server, client_of(server) as client:
        client.query("1", AT)
        client.query("1", AT)
        assert [request.method for request in server.requests] == ["POST", "GET", "GET"]


def test_a_path_in_the_address_is_kept() -> None:
    with ByteServer(always(reply(ONE))) as server:
        endpoint = Endpoint(url=f"{server.url}/select/0/prometheus/")
        with PrometheusClient(endpoint) as client:
            client.query("1", AT)
        assert server.requests[0].target == "/select/0/prometheus/api/v1/query"


class Slow:
    """A script that needs its server, to stop with it."""

    def __init__(self, make: Callable[[ByteServer], Iterator[bytes]]) -> None:
        self._make = make
        self.server: ByteServer | None = None

    def __call__(self, request: Request, number: int) -> Iterator[bytes]:
        assert self.server is not None
        return self._make(self.server)


def _silence(server: ByteServer) -> Iterator[bytes]:
    server.pause(30)
    yield b""


def _drip(data: bytes) -> Callable[[ByteServer], Iterator[bytes]]:
    return lambda server: slowly(data, 0.2, lambda: server)


@pytest.mark.parametrize(
    "make",
    [_silence, _drip(reply(ONE)), lambda server: _head_then_drip(server)],
    ids=["silence", "head drips", "body drips"],
)
def test_a_server_that_hangs_or_drips_ends_at_the_deadline(make: Callable[[ByteServer], Iterator[bytes]]) -> None:
    script = Slow(make)
    with ByteServer(script) as server:
        script.server = server
        started = time.monotonic()
        error = failure(server, request_seconds=1.0)
        assert time.monotonic() - started < 2.5
        assert isinstance(error, SourceTimeout)
        assert "within 1 s" in str(error)
        assert len(server.requests) == 1


def _head_then_drip(server: ByteServer) -> Iterator[bytes]:
    head, _, body = reply(ONE).partition(b"\r\n\r\n")
    yield head + b"\r\n\r\n"
    yield from slowly(body, 0.2, lambda: server)


def test_a_connection_that_is_never_accepted_by_tls_ends() -> None:
    script = Slow(_silence)
    with ByteServer(script) as server:
        script.server = server
        endpoint = Endpoint(url=server.url.replace("http", "https"))
        limits = PrometheusLimits(transport=TransportLimits(connect_seconds=0.5, attempts=1))
        started = time.monotonic()
        with PrometheusClient(endpoint, None, limits) as client, pytest.raises(SourceError):
            client.query("1", AT)
        assert time.monotonic() - started < 3


def _endless(server: ByteServer) -> Iterator[bytes]:
    yield b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"status":"success","data":"'
    for _ in range(200):
        yield b"x" * (1 << 20)


def test_an_answer_of_200_mb_is_broken_off() -> None:
    script = Slow(_endless)
    with ByteServer(script) as server:
        script.server = server
        error = failure(server, answer_bytes=12 << 20)
        assert isinstance(error, AnswerTooLarge)
        assert "12 MiB" in str(error)
        assert len(server.requests) == 1
    assert server.sent_bytes < 30 << 20


def test_a_small_answer_that_unpacks_to_200_mb_is_broken_off() -> None:
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join([packer.compress(b" " * (1 << 20)) for _ in range(200)]) + packer.flush()
    assert len(packed) < 1 << 20
    with ByteServer(always(reply(packed, Content_Encoding="gzip"))) as server:
        assert isinstance(failure(server, answer_bytes=4 << 20), AnswerTooLarge)


def test_compressed_answers_are_read_even_unasked() -> None:
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(ONE.encode()) + packer.flush()
    with ByteServer(always(reply(packed, Content_Encoding="gzip"))) as server, client_of(server) as client:
        assert client.query("1", AT).samples[0].value == 1
        assert "Accept-Encoding: identity" in server.requests[0].head
    with ByteServer(always(reply(packed[:-6], Content_Encoding="gzip"))) as server:
        assert isinstance(failure(server, attempts=1), AnswerTruncated)


def test_large_answers_wait_for_a_slot_and_give_it_back() -> None:
    large = reply('{"status":"success","data":["' + "x" * (9 << 20) + '"]}')
    slots = AnswerSlots(1)
    inside = threading.Event()
    leave = threading.Event()
    order: list[str] = []
    with (
        ByteServer(always(large)) as server,
        HttpTransport(Endpoint(url=server.url), slots=slots, limits=TransportLimits(request_seconds=20)) as transport,
    ):

        def first() -> None:
            with transport.answer("/", [], post=False):
                inside.set()
                leave.wait(10)
                order.append("first")

        def second() -> None:
            with transport.answer("/", [], post=False):
                order.append("second")

        threads = [threading.Thread(target=first)]
        threads[0].start()
        assert inside.wait(10)
        threads.append(threading.Thread(target=second))
        threads[1].start()
        threads[1].join(timeout=0.5)
        assert order == []
        leave.set()
        for thread in threads:
            thread.join(timeout=10)
        assert order == ["first", "second"]
    assert slots.take(threading.Event()) < 1


def test_a_closed_client_says_so() -> None:
    with ByteServer(always(reply("", 503, "text/plain", Retry_After="5"))) as server:
        client = client_of(server)
        errors: list[SourceError] = []

        def ask() -> None:
            try:
                client.query("1", AT)
            except SourceError as error:
                errors.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        deadline = time.monotonic() + 5
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.01)
        client.close()
        thread.join(timeout=5)
        assert not thread.is_alive()
    assert len(errors) == 1


def test_names_and_ports_that_do_not_exist() -> None:
    cases = {
        "http://nowhere.invalid:9090": "not known",
        "http://127.0.0.1:1": "connection refused",
        "http://bücher.invalid": "not known",
        "http://a..b:9090": "cannot be",
        "http://[::1]:1": "cannot be reached",
    }
    limits = PrometheusLimits(transport=TransportLimits(attempts=1))
    for url, words in cases.items():
        with PrometheusClient(Endpoint(url=url), None, limits) as client, pytest.raises(Unreachable, match=words):
            client.query("1", AT)


@pytest.mark.parametrize(
    ("starts", "ends", "words"),
    [(-20, -1, "has expired"), (5, 20, "not valid yet")],
)
def test_certificates_out_of_time(authority: Authority, starts: int, ends: int, words: str) -> None:
    pair = authority.issue(starts=timedelta(days=starts), ends=timedelta(days=ends))
    with ByteServer(always(reply(ONE)), certificate=pair) as server:
        endpoint = Endpoint(url=server.url, ca_pem=authority.pem)
        with PrometheusClient(endpoint) as client, pytest.raises(TlsFailed, match=words):
            client.query("1", AT)
        assert server.requests == []


def matrix(*series: object, **more: object) -> bytes:
    return reply(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": list(series)}, **more}))


START = int(AT.timestamp())


def test_native_histograms_are_left_out_and_said() -> None:
    histogram = [START, {"count": "60", "sum": "33.2", "buckets": [[0, "0.5", "0.59", "10"]]}]
    answer = matrix(
        {"metric": {"a": "1"}, "histograms": [histogram]},
        {"metric": {"a": "2"}, "histograms": [histogram], "values": [[START, "1"]]},
        {"metric": {"a": "3"}, "values": [[START + 30, "3"]]},
    )
    with ByteServer(always(answer)) as server, client_of(server) as client:
        got = client.query_range("x", HOUR, 30)
    assert got.series == [(("a", "2"),), (("a", "3"),)]
    assert got.notes.histograms == 2
    assert any("histogram" in reason for reason in got.notes.incomplete)
    vector = {"resultType": "vector", "result": [{"metric": {}, "histogram": histogram}]}
    with (
        ByteServer(always(reply(json.dumps({"status": "success", "data": vector})))) as server,
        client_of(server) as client,
    ):
        instant = client.query("x", AT)
    assert (instant.samples, instant.notes.histograms) == ([], 1)


def test_series_that_come_twice_are_joined_and_said() -> None:
    answer = matrix(
        {"metric": {"a": "1"}, "values": [[START, "1"], [START + 60, "3"]]},
        {"metric": {"a": "2"}, "values": [[START, "9"]]},
        {"metric": {"a": "1"}, "values": [[START, "7"], [START + 30, "2"]]},
    )
    with ByteServer(always(answer)) as server, client_of(server) as client:
        got = client.query_range("x", HOUR, 30)
    assert got.series == [(("a", "1"),), (("a", "2"),)]
    assert got.values[0, :3].tolist() == [1, 2, 3]
    assert np.isnan(got.values[0, 3:]).all()
    assert got.notes.twice == 1


def test_warnings_and_infos_are_told_apart() -> None:
    answer = matrix(
        warnings=["store 10.0.0.1:10901 did not\nanswer", "PromQL info: metric might not be a counter"],
        infos=["PromQL info: other"],
    )
    with ByteServer(always(answer)) as server, client_of(server) as client:
        notes = client.query_range("x", HOUR, 30).notes
    assert notes.warnings == notes.incomplete == ["store 10.0.0.1:10901 did not answer"]
    assert sorted(notes.infos) == ["PromQL info: metric might not be a counter", "PromQL info: other"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ('[[%d,"x"]]', "no number"),
        ("[[%d]]", "no \\[\\[time"),
        ('[[%d.4,"1"]]', "beside"),
        ("{}", "no \\[\\[time"),
    ],
)
def test_samples_that_are_wrong_are_never_dropped(values: str, words: str) -> None:
    inside = values % START if "%" in values else values
    body = f'{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":{inside}}}]}}}}'
    with (
        ByteServer(always(reply(body))) as server,
        client_of(server) as client,
        pytest.raises(WrongService, match=words),
    ):
        client.query_range("x", HOUR, 30)


def test_a_range_query_answered_with_a_vector() -> None:
    vector = {"status": "success", "data": {"resultType": "vector", "result": []}}
    with (
        ByteServer(always(reply(json.dumps(vector)))) as server,
        client_of(server) as client,
        pytest.raises(WrongService, match="no matrix"),
    ):
        client.query_range("x", HOUR, 30)
