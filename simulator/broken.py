"""Endpoints that fail to serve, each in the way that its mode names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.answers import JSON, Answer, Request, json_answer
from simulator.options import BrokenMode
from simulator.pack import one_line
from simulator.randomness import uniforms

HUGE_BYTES = 200_000_000
_SIGN_IN = b"<!DOCTYPE html><html><head><title>Log in</title></head><body><form><h1>Log in</h1></form></body></html>"
_NO_SERVER = (
    b"<html><body><h1>Application is not available</h1><p>The host exists, its servers do not answer.</p></html>"
)


@dataclass(frozen=True)
class Hang:
    """No answer at all."""


@dataclass(frozen=True)
class CutShort:
    """An answer of which half is sent before the connection closes."""

    answer: Answer


@dataclass(frozen=True)
class Stream:
    """A range answer of very many bytes, made as it is sent."""

    total_bytes: int
    content_type: str = JSON

    def chunks(self) -> Iterator[bytes]:
        """The answer piece by piece; valid JSON as a whole."""
        yield b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":['
        piece = b'[1795261666,"0.123456"],' * 40_000
        for _ in range(self.total_bytes // len(piece) + 1):
            yield piece
        yield b'[1795261696,"0"]]}]}}'


def as_broken(mode: BrokenMode, request: Request, answer: Answer | None) -> Answer | CutShort | Stream | Hang:
    """What a broken cluster makes of a request.

    Args:
        mode: how it is broken.
        request: what was asked.
        answer: what a sound cluster would say; None for the modes that do not get so far.
    """
    if mode is BrokenMode.HTML:
        return Answer(200, _SIGN_IN, "text/html; charset=utf-8")
    if mode is BrokenMode.UNAVAILABLE:
        return Answer(503, _NO_SERVER, "text/html")
    if answer is None:
        return Hang()
    is_query = request.path in {"/api/v1/query", "/api/v1/query_range"}
    if not is_query or answer.status != 200:
        return answer
    if mode is BrokenMode.TRUNCATED:
        return CutShort(answer)
    if mode is BrokenMode.HUGE:
        return Stream(HUGE_BYTES)
    if mode is BrokenMode.PARTIAL:
        return _partial(request, answer)
    return answer


def _partial(request: Request, answer: Answer) -> Answer:
    """A third of the queries time out, a third are answered with a warning, a third are sound."""
    chance = uniforms("partial", one_line(request.one("query")))[0]
    if chance < 1 / 3:
        text = "query timed out in expression evaluation"
        return json_answer({"status": "error", "errorType": "timeout", "error": text}, 503)
    if chance < 2 / 3:
        warning = b'{"status":"success","warnings":["No StoreAPIs matched for this query: store unavailable"],'
        return Answer(200, warning + answer.body.removeprefix(b'{"status":"success",'), samples=answer.samples)
    return answer
