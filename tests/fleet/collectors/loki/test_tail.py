"""The live tail over real sockets: what comes, what a lost connection costs, what closes mean."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from fleet.collectors.loki import LokiClient, LokiLimits
from fleet.collectors.loki.logql import WrittenQuery
from fleet.collectors.loki.tail import LogTail, TailPiece
from fleet.collectors.transport import TransportLimits
from fleet.collectors.transport.authorization import Authorization
from fleet.collectors.transport.websocket import WebSocketOpener
from fleet.credentials import Credential
from fleet.errors import Forbidden, QueryRefused, SourceError, Unauthorized, Unreachable, WrongService
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.loki.test_lines import body_of
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Reply, Request, reply
from tests.fleet.collectors.prometheus.certificates import Authority, KeyPair

QUERY = WrittenQuery('{app="a"}')
LIMITS = LokiLimits(tail_pause_seconds=0.05, transport=TransportLimits(request_seconds=5.0, connect_seconds=2.0))
MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def opened(request: Request) -> bytes:
    """The server's half of the WebSocket handshake (RFC 6455)."""
    key = re.search(r"sec-websocket-key: *(\S+)", request.head, re.IGNORECASE)
    assert key is not None
    accept = base64.b64encode(hashlib.sha1((key[1] + MAGIC).encode()).digest()).decode()  # noqa: S324
    head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    return "\r\n".join([*head, f"Sec-WebSocket-Accept: {accept}", "", ""]).encode()


def framed(payload: bytes, opcode: int = 1) -> bytes:
    size = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + struct.pack(">H", len(payload))
    return bytes([0x80 | opcode]) + size + payload


def closing(code: int, reason: str = "") -> bytes:
    return framed(struct.pack(">H", code) + reason.encode(), opcode=8)


def message(*lines: tuple[int, str], **more: Any) -> bytes:
    streams = [{"stream": {"app": "a"}, "values": [[str(at), line]]} for at, line in lines]
    return framed(json.dumps({"streams": streams, **more}).encode())


Step = bytes | Callable[[], bytes]


@dataclass
class TailedLoki:
    """A Loki whose tails go by a script each, and whose range queries hold ``past``; keeps what was asked."""

    tails: list[list[Step] | bytes]
    past: list[tuple[int, str]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    server: ByteServer | None = None

    def __call__(self, request: Request, _: int) -> Reply:
        parts = urlsplit(request.target)
        form = {name: values[0] for name, values in parse_qs(parts.query or request.body).items()}
        self.asked.append({"path": parts.path.rpartition("/")[2], **form})
        if not parts.path.endswith("/tail"):
            start, end = int(form["start"]), int(form["end"])
            return reply(body_of([({"app": "a"}, [[str(at), line] for at, line in self.past if start <= at < end])]))
        script = self.tails.pop(0) if self.tails else []
        return script if isinstance(script, bytes) else self._tail(request, script)

    def _tail(self, request: Request, script: list[Step]) -> Iterator[bytes]:
        yield opened(request)
        piece = b""
        for step in script:
            piece = step if isinstance(step, bytes) else step()
            yield piece
        if piece[:1] != b"\x88":
            assert self.server is not None
            self.server.pause(20 if not self.tails else 0)


def taken(loki: TailedLoki, lines: int, since: datetime | None = None) -> list[TailPiece]:
    """What comes until there are so many lines."""
    pieces: list[TailPiece] = []
    with ByteServer(loki) as server, LokiClient(Endpoint(url=server.url), None, LIMITS) as client:
        loki.server = server
        with LogTail(client, QUERY, since=since) as tail:
            for piece in tail:
                pieces.append(piece)
                if sum(len(each.frame) for each in pieces) >= lines:
                    break
    return pieces


def lines_of(pieces: list[TailPiece]) -> list[str]:
    return [line for piece in pieces for line in piece.frame.lines.to_pylist()]


def test_lines_come_with_what_was_dropped() -> None:
    at = time.time_ns()
    dropped = [{"labels": {"app": "a"}, "timestamp": str(at)}]
    nothing = framed(b'{"streams":null}')
    loki = TailedLoki(
        [[message((at, "one"), (at, "two")), nothing, message((at + 5, "three"), dropped_entries=dropped)]]
    )
    pieces = taken(loki, 3)
    assert lines_of(pieces) == ["one", "two", "three"]
    assert pieces[0].frame.streams == [{"app": "a"}]
    assert [(each.labels, each.at_ns) for each in pieces[-1].dropped] == [({"app": "a"}, at)]
    assert pieces[-1].notes == ["The server dropped 1 lines: more came than were taken."]
    [tail] = loki.asked
    assert (tail["query"], tail["limit"]) == ('{app="a"}', "5000")
    assert abs(int(tail["start"]) - at) < 60e9


def test_what_was_missed_is_read_after_a_lost_connection() -> None:
    at = 0

    def one() -> bytes:
        nonlocal at
        at = time.time_ns()
        loki.past = [(at, "one"), (at + 1, "two"), (at + 2, "three")]
        return message((at, "one"))

    loki = TailedLoki([[one, closing(1001, "going away")], [message((time.time_ns() + 10**12, "four"))]])
    pieces = taken(loki, 4)
    assert lines_of(pieces) == ["one", "two", "three", "four"]
    [note] = [note for piece in pieces for note in piece.notes]
    assert "lost and is opened anew" in note
    assert "going away" in note
    first, missed, second = loki.asked[0], loki.asked[-1], loki.asked[1]
    assert (first["path"], second["path"], missed["path"]) == ("tail", "tail", "query_range")
    assert int(missed["start"]) == at + 1
    assert missed["end"] == second["start"]


def test_a_tail_from_a_time_on_begins_with_the_past() -> None:
    since = datetime(2026, 2, 1, tzinfo=UTC)
    past = int(since.timestamp()) * 10**9
    loki = TailedLoki([[message((time.time_ns() + 10**12, "now"))]], past=[(past - 1, "before"), (past, "first")])
    assert lines_of(taken(loki, 2, since)) == ["first", "now"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            [closing(1011, "rpc error: code = Code(400) desc = max concurrent tail requests limit exceeded")],
            "as many tails",
        ),
        ([closing(1011, "boom")], "failed (1011: boom)"),
        ([closing(1000)], "ended the connection (without a reason)"),
        ([closing(1011, "reached tail max duration limit")], "reached tail max duration limit"),
        ([message((5, "x"))[:20]], "broke off"),
        (reply("busy", 503, "text/plain"), "failed (503): busy"),
        (b"", "closed the connection before it answered"),
    ],
)
def test_what_may_pass_is_told_and_tried_again(script: list[bytes] | bytes, words: str) -> None:
    loki = TailedLoki([script, [message((time.time_ns() + 10**12, "after"))]])
    pieces = taken(loki, 1)
    assert lines_of(pieces) == ["after"]
    assert words in pieces[0].notes[0]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ([closing(1011, "only log selector is supported")], QueryRefused),
        (reply("parse error at line 1, col 6: syntax error", 400, "text/plain; charset=utf-8"), QueryRefused),
        (reply("no org id\n", 401, "text/plain"), Unauthorized),
        (reply('{"status":"error","errorType":"observatorium-api","error":"no permission"}', 403), Forbidden),
        (reply("404 page not found\n", 404, "text/plain"), WrongService),
        (reply("{}"), WrongService),
        (reply("", 302, location="https://elsewhere.example/loki/api/v1/tail"), WrongService),
        (b"SSH-2.0-OpenSSH\r\n", WrongService),
        ([framed(b"[1,2]")], WrongService),
        ([framed(b'{"streams":[{"stream":{},"values":[["x","y"]]}]}')], WrongService),
    ],
)
def test_what_would_be_there_again_is_raised(script: list[bytes] | bytes, error: type[SourceError]) -> None:
    with pytest.raises(error):
        taken(TailedLoki([script]), 1)


def test_a_refused_credential_is_renewed_once(authority: Authority, server_pair: KeyPair) -> None:
    class Source:
        def credential(self, *, refresh: bool = False) -> Credential:
            return Credential(token=SecretStr("new" if refresh else "old"))

    loki = TailedLoki([[message((time.time_ns(), "in"))]])

    def script(request: Request, number: int) -> Reply:
        authorized = "Bearer new" in request.head and "x-scope-orgid: ran" in request.head.lower()
        return loki(request, number) if authorized else reply("Unauthorized", 401, "text/plain")

    with ByteServer(script, certificate=server_pair) as server:
        loki.server = server
        endpoint = Endpoint(url=server.url, ca_pem=authority.pem, tenant="ran")
        with LokiClient(endpoint, Source(), LIMITS) as client, LogTail(client, QUERY) as tail:
            assert next(piece for piece in tail if len(piece.frame)).frame.line(0) == "in"


def test_what_is_said_right_after_the_handshake_is_never_lost(authority: Authority, server_pair: KeyPair) -> None:
    def script(request: Request, number: int) -> Reply:
        return opened(request) + message((number, "x"))

    def said(_: int) -> bytes | None:
        endpoint = Endpoint(url=server.url, ca_pem=authority.pem)
        never = threading.Event()
        opener = WebSocketOpener(endpoint, Authorization(endpoint, None), LIMITS.transport, None, never)
        with opener.open("/tail", []) as connection:
            return connection.receive(5)

    with ByteServer(script, certificate=server_pair) as server, ThreadPoolExecutor(8) as threads:
        assert all(threads.map(said, range(150)))


def test_the_governor_admits_each_handshake_and_no_more(authority: Authority, server_pair: KeyPair) -> None:
    under_way: list[str] = []
    spent: list[bool] = []

    class Counting:
        waited_seconds = 0.0

        def spent(self, answer_bytes: int, seconds: float, failed: bool) -> None:
            spent.append(failed)

        @contextmanager
        def admit(self, endpoint_url: str, seconds: float, called_off: threading.Event) -> Iterator[Counting]:
            under_way.append(endpoint_url)
            try:
                yield self
            finally:
                under_way.pop()

    class Source:
        def credential(self, *, refresh: bool = False) -> Credential:
            return Credential(token=SecretStr("new" if refresh else "old"))

    loki = TailedLoki([[message((time.time_ns(), "in"))]])

    def script(request: Request, number: int) -> Reply:
        assert under_way == [server.url]
        return loki(request, number) if "Bearer new" in request.head else reply("", 401, "text/plain")

    with ByteServer(script, certificate=server_pair) as server:
        loki.server = server
        endpoint = Endpoint(url=server.url, ca_pem=authority.pem)
        client = LokiClient(endpoint, Source(), LIMITS, governor=Counting())
        with client, LogTail(client, QUERY) as tail:
            assert next(piece for piece in tail if len(piece.frame)).frame.line(0) == "in"
            # The connection is open, and holds nothing.
            assert not under_way
    assert spent == [False, False]


def test_an_unknown_authority_is_told(server_pair: KeyPair) -> None:
    with (
        ByteServer(TailedLoki([]), certificate=server_pair) as server,
        LokiClient(Endpoint(url=server.url), None, LIMITS) as client,
        LogTail(client, QUERY) as tail,
        pytest.raises(SourceError, match="authority that is not known"),
    ):
        next(iter(tail))


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with ByteServer(TailedLoki([])) as server:
        url = server.url
    with LokiClient(Endpoint(url=url), None, LIMITS) as client, LogTail(client, QUERY) as tail:
        pieces = iter(tail)
        assert all("cannot be reached" in next(pieces).notes[0] for _ in range(2))


def test_a_quiet_tail_ends_when_it_is_closed() -> None:
    loki = TailedLoki([[message((time.time_ns(), "x"))]])
    with ByteServer(loki) as server, LokiClient(Endpoint(url=server.url), None, LIMITS) as client:
        loki.server = server
        tail = LogTail(client, QUERY)
        began = time.monotonic()
        for _ in tail:
            threading.Timer(0.2, tail.close).start()
    assert time.monotonic() - began < 5


def test_errors_name_no_secret() -> None:
    class Source:
        def credential(self, *, refresh: bool = False) -> Credential:
            return Credential(token=SecretStr("s3cret"))

    echo = reply("you sent Bearer s3cret", 400, "text/plain")
    with (
        ByteServer(TailedLoki([echo])) as server,
        LokiClient(Endpoint(url=server.url), Source(), LIMITS) as client,
        LogTail(client, QUERY) as tail,
        pytest.raises(QueryRefused) as raised,
    ):
        next(iter(tail))
    assert "s3cret" not in str(raised.value)
    assert "***" in str(raised.value)
    assert not isinstance(raised.value, Unreachable)
