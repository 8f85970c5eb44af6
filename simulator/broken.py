"""Endpoints that fail to serve, each in the way that its mode names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock

from simulator.access import READER
from simulator.answers import JSON, Answer, Request, json_answer, text_answer
from simulator.kubernetes.status import status, unauthorized
from simulator.options import BrokenMode
from simulator.pack import one_line
from simulator.randomness import uniforms
from simulator.thanos import without_store

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


class Throttle:
    """Remembers which paths were asked for, to refuse the first request for each."""

    def __init__(self) -> None:
        self._asked: set[tuple[str, str, str]] = set()
        self._lock = Lock()

    def first(self, cluster: str, api: str, request: Request) -> bool:
        """Whether this is the first request for its path; the next one is not."""
        key = (cluster, api, request.path)
        with self._lock:
            known = key in self._asked
            self._asked.add(key)
        return not known

    def forget(self, cluster: str) -> None:
        """Lets a cluster's paths be asked for as if for the first time."""
        with self._lock:
            self._asked = {key for key in self._asked if key[0] != cluster}


def too_many(api: str) -> Answer:
    """429 as each server says it; Loki's does not tell for how long."""
    if api == "loki":
        return text_answer("too many outstanding requests", 429)
    return text_answer("Too many requests, please try again later.\n", 429, {"Retry-After": "1"})


def instead(mode: BrokenMode, api: str, request: Request) -> Answer | Hang | None:
    """What a broken server says to any request; None for the modes in which it answers, if not as it should."""
    if mode is BrokenMode.HANG:
        return Hang()
    if mode is BrokenMode.HTML:
        return Answer(200, _SIGN_IN, "text/html; charset=utf-8")
    if mode is BrokenMode.UNAVAILABLE:
        return Answer(503, _NO_SERVER, "text/html")
    if mode is BrokenMode.WRONG_SERVICE:
        return _other_product(request)
    if mode is BrokenMode.UNAUTHORIZED and request.token is not None:
        return unauthorized().answer if api == "kubernetes" else text_answer("Unauthorized\n", 401)
    if mode is BrokenMode.FORBIDDEN:
        return _forbidden(api, request)
    return None


def _other_product(request: Request) -> Answer:
    """Another product's server, a Grafana: healthy, and without the paths that are asked for."""
    if request.path == "/api/health":
        return json_answer({"commit": "03f502a94d17f7dc", "database": "ok", "version": "11.1.4"})
    return json_answer({"accessErrorId": "", "message": "Not found", "title": "Not found"}, 404)


def _forbidden(api: str, request: Request) -> Answer:
    """403 as the API server says it, or the proxy that stands before the others."""
    if api == "kubernetes":
        message = f'forbidden: User "{READER}" cannot {request.method.lower()} path "{request.path}"'
        return status(403, "Forbidden", message, {}).answer
    if api in {"loki", "tempo"}:
        text = "You don't have permission to access this tenant"
        return json_answer({"status": "error", "errorType": "observatorium-api", "error": text}, 403)
    verb = {"GET": "get", "POST": "create", "PUT": "update"}.get(request.method, request.method.lower())
    text = f"Forbidden (user={READER}, verb={verb}, resource={_GUARDED[api]}, subresource=api)\n"
    return text_answer(text, 403)


_GUARDED = {
    "prometheus": "prometheuses",
    "alertmanager": "alertmanagers",
    "tenancy": "pods",
    "tenancy-rules": "prometheusrules",
}


def spoiled(mode: BrokenMode, request: Request, answer: Answer) -> Answer | CutShort | Stream:
    """What becomes of a sound Prometheus' answer to a query.

    Raises:
        RefusedError: a store is down, and the client wants all or nothing.
    """
    is_query = request.path in {"/api/v1/query", "/api/v1/query_range"}
    if mode is BrokenMode.STORE_DOWN and answer.status == 200 and (is_query or "/label" in request.path):
        return without_store(request, answer)
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
