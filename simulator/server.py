"""The ASGI application: many clusters by path, each behind its own token, and the control page."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs

from simulator.access import Access
from simulator.alertmanager import answer_alertmanager
from simulator.answers import Answer, RefusedError, Request, json_answer, text_answer
from simulator.broken import CutShort, Hang, Stream, Throttle, instead, spoiled, too_many
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.api import answer_kubernetes
from simulator.kubernetes.proxy import Forward
from simulator.kubernetes.watching import Watch, serve_watch
from simulator.loki import answer_loki
from simulator.loki.tail import Tail, Tails, serve_tail
from simulator.options import BrokenMode, mode_of
from simulator.prometheus import answer_prometheus
from simulator.tempo.api import answer_tempo
from simulator.tempo.otlp import answer_otlp
from simulator.tenancy import TENANCY_PORTS, answer_tenancy
from simulator.thanos import answer_thanos

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Scope = dict[str, Any]
Outcome = Answer | CutShort | Stream | Watch | Tail | Hang

_MAX_BODY_BYTES = 4 * 2**20
_THREADS = 4
_PIECE_BYTES = 2**19
"""Large answers are sent in pieces: the event loop moves what it could not send yet each time that it sends some."""


def _answer_prometheus(cluster: SimulatedCluster, request: Request) -> Answer:
    return (answer_thanos if cluster.thanos else answer_prometheus)(cluster, request)


_SERVERS: dict[str, Callable[[SimulatedCluster, Request], Answer | Tail]] = {
    "alertmanager": answer_alertmanager,
    "loki": answer_loki,
    "otlp": answer_otlp,
    "prometheus": _answer_prometheus,
    "tempo": answer_tempo,
}
_APIS = frozenset({"kubernetes", *_SERVERS, *TENANCY_PORTS})
_NO_WEBSOCKET = text_answer("Bad Request\n", 400, {"Sec-Websocket-Version": "13"})
_SLOW_SECONDS = 1.0


class Application:
    """Serves the clusters; counts what it serves.

    Attributes:
        access: each cluster's tokens and rights; may be changed while the server runs.
        broken: how clusters and their APIs fail to serve; may be changed while the server runs.
    """

    def __init__(
        self,
        clusters: Mapping[str, SimulatedCluster],
        access: dict[str, Access],
        broken: dict[str, BrokenMode],
        control_token: str,
    ) -> None:
        self.access = access
        self.broken = broken
        self._clusters = clusters
        self._control_token = control_token
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="simulator")
        self._stopping = False
        self._throttled = Throttle()
        self._paths: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._samples: Counter[str] = Counter()
        self._cpu_at_reset = time.process_time()

    def stop(self) -> None:
        """Ends what hangs and takes no more work."""
        self._stopping = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def set_broken(self, name: str, mode: BrokenMode | None) -> None:
        """Breaks a cluster (``name``) or one of its APIs (``name/api``), or mends it."""
        self._throttled.forget(name.partition("/")[0])
        if mode is None:
            self.broken.pop(name, None)
        else:
            self.broken[name] = mode

    def compact(self, name: str) -> None:
        """Forgets a cluster's old revisions, so that continue tokens and watches from before are too old."""
        cluster = self._clusters[name]
        cluster.overlay.compact(cluster.observed_at())

    def expire_continue(self, name: str, times: int) -> None:
        """Lets the next continue tokens that a cluster is shown be too old."""
        self._clusters[name].overlay.expire(times)

    def end_tails(self, name: str) -> None:
        """Closes a cluster's live tails, as Loki does with those that lasted too long."""
        self._clusters[name].state(Tails).end()

    def requests(self) -> dict[str, Any]:
        """Requests by cluster, API and path, samples served by cluster, and CPU seconds of the process."""
        clusters: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for (cluster, api), paths in sorted(self._paths.items()):
            clusters[cluster][api] = {"requests": paths.total(), "paths": dict(sorted(paths.items()))}
        for cluster, samples in self._samples.items():
            clusters[cluster]["samples"] = samples
        return {
            "clusters": dict(clusters),
            "requests": sum(paths.total() for paths in self._paths.values()),
            "samples": self._samples.total(),
            "cpu_seconds": round(time.process_time() - self._cpu_at_reset, 3),
        }

    def reset(self) -> None:
        """Sets the counts to zero."""
        self._paths.clear()
        self._samples.clear()
        self._cpu_at_reset = time.process_time()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one WebSocket."""
        if scope["type"] == "websocket":
            # What is not accepted is answered like a request.
            scope, send = {**scope, "method": "GET"}, _on_websocket(send)
            await receive()
        _, first, second, *rest = (scope["path"] + "//").split("/", 3)
        token = _bearer(scope)
        if first == "_control":
            await _respond(send, self._control(scope["method"], second, "".join(rest).strip("/"), token))
            return
        if first not in self._clusters or second not in _APIS:
            await _respond(send, text_answer("404 page not found\n", 404))
            return
        request = await _read(scope, receive, "/" + "".join(rest).rstrip("/"), token)
        self._paths[first, second][request.path] += 1
        await self._serve(first, second, request, receive, send, live=scope["type"] == "websocket")

    async def _serve(self, name: str, api: str, request: Request, receive: Receive, send: Send, *, live: bool) -> None:
        mode = mode_of(self.broken, name, api)
        handling = asyncio.get_running_loop().run_in_executor(self._threads, self._answer, name, api, request, mode)
        outcome = await handling
        if mode is BrokenMode.SLOW:
            await asyncio.sleep(_SLOW_SECONDS)
        if isinstance(outcome, Tail) and live:
            await self._tail(outcome, receive, send)
            return
        if isinstance(outcome, Tail):
            outcome = _NO_WEBSOCKET
        if isinstance(outcome, Answer):
            self._samples[name] += outcome.samples
            await _respond(send, outcome)
        elif isinstance(outcome, CutShort):
            await _head(send, 200, outcome.answer.content_type, len(outcome.answer.body), {})
            half = outcome.answer.body[: len(outcome.answer.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
        elif isinstance(outcome, Watch):
            gone = asyncio.ensure_future(_disconnected(receive))
            await serve_watch(outcome, send, lambda: self._stopping or gone.done())
            gone.cancel()
        elif isinstance(outcome, Stream):
            await _head(send, 200, outcome.content_type, None, {})
            for chunk in outcome.chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._hang(receive)
            await _respond(send, text_answer("stopping\n", 503))

    async def _tail(self, tail: Tail, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_disconnected(receive))
        await serve_tail(tail, send, lambda: self._stopping or gone.done())
        gone.cancel()

    def _answer(self, name: str, api: str, request: Request, mode: BrokenMode | None) -> Outcome:
        if mode is BrokenMode.THROTTLED and self._throttled.first(name, api, request):
            return too_many(api)
        refused = None if mode is None else instead(mode, api, request)
        if refused is not None:
            return refused
        try:
            answer = self._sound_answer(name, api, request)
            if mode is None or api != "prometheus" or not isinstance(answer, Answer):
                return answer
            return spoiled(mode, request, answer)
        except RefusedError as refusal:
            return refusal.answer

    def _sound_answer(self, name: str, api: str, request: Request) -> Answer | Watch | Tail:
        cluster, access = self._clusters[name], self.access[name]
        if api == "kubernetes":
            outcome = answer_kubernetes(cluster, request, access)
            if isinstance(outcome, Forward):
                return _SERVERS[outcome.api](cluster, outcome.request)
            return outcome
        if api in TENANCY_PORTS:
            return answer_tenancy(cluster, TENANCY_PORTS[api], request, access)
        if not access.knows(request.token):
            return text_answer("Unauthorized\n", 401)
        return _SERVERS[api](cluster, request)

    async def _hang(self, receive: Receive) -> None:
        """Waits until the client gives up or the server stops."""
        gone = asyncio.ensure_future(_disconnected(receive))
        while not self._stopping and not gone.done():
            await asyncio.wait({gone}, timeout=0.2)
        gone.cancel()

    def _control(self, method: str, path: str, cluster: str, token: str | None) -> Answer:
        if not _same(token, self._control_token):
            return text_answer("Unauthorized\n", 401)
        if path == "requests" and method == "GET":
            return json_answer(self.requests())
        if path == "reset" and method == "POST":
            self.reset()
            return json_answer({})
        if path == "compact" and method == "POST" and cluster in self._clusters:
            self.compact(cluster)
            return json_answer({})
        return text_answer("404 page not found\n", 404)


def _bearer(scope: Scope) -> str | None:
    value = _headers(scope).get("authorization", "")
    scheme, _, token = value.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _headers(scope: Scope) -> dict[str, str]:
    headers: dict[str, str] = {}
    for key, value in scope["headers"]:
        name, text = key.decode("latin-1").lower(), value.decode("latin-1")
        headers[name] = f"{headers[name]},{text}" if name in headers else text
    return headers


def _same(given: str | None, wanted: str) -> bool:
    return given is not None and compare_digest(given.encode(), wanted.encode())


async def _read(scope: Scope, receive: Receive, path: str, token: str | None) -> Request:
    parameters = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    headers = _headers(scope)
    body, more = b"", scope["method"] != "GET"
    while more and len(body) < _MAX_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        for name, values in parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True).items():
            parameters[name] = values + parameters.get(name, [])
    return Request(scope["method"], path, parameters, token, headers, body)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] not in {"http.disconnect", "websocket.disconnect"}:
        pass


def _on_websocket(send: Send) -> Send:
    """Sends the messages of an HTTP answer as those by which a WebSocket is refused."""

    async def sent(message: dict[str, Any]) -> None:
        kind = message["type"]
        await send({**message, "type": f"websocket.{kind}"} if kind.startswith("http.") else message)

    return sent


async def _respond(send: Send, answer: Answer) -> None:
    await _head(send, answer.status, answer.content_type, len(answer.body), answer.headers)
    whole = memoryview(answer.body)
    for at in range(0, len(whole) - _PIECE_BYTES, _PIECE_BYTES):
        await send({"type": "http.response.body", "body": bytes(whole[at : at + _PIECE_BYTES]), "more_body": True})
    rest = (len(whole) - 1) // _PIECE_BYTES * _PIECE_BYTES if len(whole) else 0
    await send({"type": "http.response.body", "body": bytes(whole[rest:])})


async def _head(send: Send, status: int, content_type: str, length: int | None, more: Mapping[str, str]) -> None:
    headers = [(b"content-type", content_type.encode())] if content_type else []
    headers += [(name.encode(), value.encode()) for name, value in more.items()]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
