"""What can go wrong between a collector and its source, and what coverage has to say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from fleet.frames.coverage import CoverageStatus
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Reply, Request, reply

OK, PARTIAL, ABSENT, UNKNOWN = (
    CoverageStatus.OK,
    CoverageStatus.PARTIAL,
    CoverageStatus.ABSENT,
    CoverageStatus.UNKNOWN,
)


class Case(StrEnum):
    """One fault, or none; the value is what the table in the documentation calls it."""

    WHOLE = "everything is answered"
    EMPTY = "the source has nothing"
    WARNED = "the source says itself that its answer is not whole"
    FAILS_LATER = "the first requests are answered, then 503"
    REFUSED_QUERY = "the query is refused (400)"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    THROTTLED_ONCE = "429 once, with `Retry-After: 0`"
    THROTTLED = "429 with `Retry-After: 3600`"
    FAILED = "500"
    ROUTER = "503, a router's page"
    SIGN_IN = "a redirect to a sign-in page"
    WEB_PAGE = "200 with a web page"
    GARBAGE = "200 with something that is no JSON"
    OTHER_JSON = "200 with JSON of another API"
    CUT_BODY = "the body ends before its length"
    CUT_JSON = "the JSON ends in the middle"
    HUGE = "answers beyond the byte budget"
    SILENT = "nothing is answered"
    DRIPPING = "a byte now and then"
    DROPPED = "connections are closed unanswered"
    NOBODY = "nobody listens"
    UNKNOWN_AUTHORITY = "a certificate of an unknown authority"
    CALLED_OFF = "the client is closed while an answer comes"


@dataclass(frozen=True)
class Expected:
    """A coverage's status and the class of its error, ``""`` for none."""

    status: CoverageStatus
    error: str = ""

    def __str__(self) -> str:
        return f"{self.status}, {self.error}" if self.error else str(self.status)


USUAL = {
    Case.WHOLE: Expected(OK),
    Case.EMPTY: Expected(OK),
    Case.WARNED: Expected(PARTIAL),
    Case.FAILS_LATER: Expected(PARTIAL, "ServerFailed"),
    Case.REFUSED_QUERY: Expected(UNKNOWN, "QueryRefused"),
    Case.UNAUTHORIZED: Expected(UNKNOWN, "Unauthorized"),
    Case.FORBIDDEN: Expected(UNKNOWN, "Forbidden"),
    Case.NOT_FOUND: Expected(UNKNOWN, "WrongService"),
    Case.THROTTLED_ONCE: Expected(OK),
    Case.THROTTLED: Expected(UNKNOWN, "Throttled"),
    Case.FAILED: Expected(UNKNOWN, "ServerFailed"),
    Case.ROUTER: Expected(UNKNOWN, "ServerFailed"),
    Case.SIGN_IN: Expected(UNKNOWN, "Unauthorized"),
    Case.WEB_PAGE: Expected(UNKNOWN, "WrongService"),
    Case.GARBAGE: Expected(UNKNOWN, "WrongService"),
    Case.OTHER_JSON: Expected(UNKNOWN, "WrongService"),
    Case.CUT_BODY: Expected(UNKNOWN, "AnswerTruncated"),
    Case.CUT_JSON: Expected(UNKNOWN, "AnswerTruncated"),
    Case.HUGE: Expected(UNKNOWN, "AnswerTooLarge"),
    Case.SILENT: Expected(UNKNOWN, "SourceTimeout"),
    Case.DRIPPING: Expected(UNKNOWN, "SourceTimeout"),
    Case.DROPPED: Expected(UNKNOWN, "Unreachable"),
    Case.NOBODY: Expected(UNKNOWN, "Unreachable"),
    Case.UNKNOWN_AUTHORITY: Expected(UNKNOWN, "TlsFailed"),
    Case.CALLED_OFF: Expected(UNKNOWN, "Unreachable"),
}
"""What holds for every collector that does not say otherwise."""

ANSWER_BYTES = 1 << 20
"""The byte budget of an answer in these tests."""

SAME_FOR_ALL: dict[Case, bytes] = {
    Case.UNAUTHORIZED: reply("Unauthorized\n", 401, "text/plain; charset=utf-8"),
    Case.FORBIDDEN: reply("Forbidden (user=system:serviceaccount:a:b, verb=get)\n", 403, "text/plain; charset=utf-8"),
    Case.NOT_FOUND: reply("404 page not found\n", 404, "text/plain; charset=utf-8"),
    Case.THROTTLED: reply("too many outstanding requests", 429, "text/plain", Retry_After="3600"),
    Case.FAILED: reply("boom", 500, "text/plain"),
    Case.ROUTER: reply("<html><body>Application is not available</body></html>", 503, "text/html"),
    Case.SIGN_IN: reply("", 302, "text/html", Location="https://oauth-openshift.apps.test/oauth/authorize"),
    Case.WEB_PAGE: reply("<!doctype html><html><body>Welcome</body></html>", 200, "text/html"),
    Case.GARBAGE: reply("%PDF-1.7 \x00\x01 not json", 200),
    Case.OTHER_JSON: reply('{"kind":"Status","apiVersion":"v1","status":5}', 200),
    Case.DROPPED: b"",
}

Answer = Callable[[Request], bytes]


def flood() -> Iterator[bytes]:
    """An answer that goes on and on."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    for _ in range(8):
        yield b" " * (ANSWER_BYTES // 4)


def dripping(server: Callable[[], ByteServer], seconds: float) -> Iterator[bytes]:
    """A byte now and then, for longer than anybody should wait."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
    for _ in range(round(30 / seconds)):
        yield b" "
        server().pause(seconds)


def cut_body(whole: bytes) -> bytes:
    """An answer whose connection ends before its announced length."""
    return whole[: -max(1, len(whole.partition(b"\r\n\r\n")[2]) // 2)]


def cut_json(whole: bytes) -> Reply:
    """A whole HTTP answer with half of a JSON document."""
    body = whole.partition(b"\r\n\r\n")[2]
    return reply(body[: max(1, len(body) // 2)])
