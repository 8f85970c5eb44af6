"""Live tails of the simulated Loki over WebSocket, as they were recorded."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from simulator.fleet import FleetOptions, SimulatedFleet
from tests.simulator.conftest import Api, api

NAME = "fra-01"
TENANT = "tails"
PATIENCE_SECONDS = 20.0


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=1, multi_tenant=(NAME,), faults=())) as running:
        yield running


@pytest.fixture(scope="module")
def loki(fleet: SimulatedFleet) -> Api:
    client = api(fleet, NAME, "loki")
    client.http.headers["X-Scope-OrgID"] = TENANT
    return client


@dataclass
class Tail:
    """An open tail. One thread reads and writes: two on one TLS 1.3 connection lose messages in Python 3.11."""

    loop: asyncio.AbstractEventLoop
    connection: ClientConnection

    def receive(self) -> str | bytes:
        return self.loop.run_until_complete(asyncio.wait_for(self.connection.recv(), PATIENCE_SECONDS))


@contextmanager
def tail(
    fleet: SimulatedFleet, query: str, path: str = "/loki/api/v1/tail", tenant: str = TENANT, **parameters: Any
) -> Iterator[Tail]:
    url = f"{fleet.url}/{NAME}/loki{path}?{urlencode({'query': query, **parameters})}"
    headers = {"Authorization": f"Bearer {fleet.token(NAME)}", "X-Scope-OrgID": tenant}
    with opened(fleet, url, headers) as tailed:
        yield tailed


@contextmanager
def opened(fleet: SimulatedFleet, url: str, headers: dict[str, str]) -> Iterator[Tail]:
    context = ssl.create_default_context(cafile=fleet.directory / "ca.pem")

    async def open_it() -> ClientConnection:
        return await connect(url.replace("https:", "wss:"), ssl=context, additional_headers=headers, proxy=None)

    with asyncio.Runner() as runner:
        connection = runner.run(open_it())
        yield Tail(runner.get_loop(), connection)
        runner.run(connection.close())


def push(loki: Api, app: str, *lines: tuple[Any, ...]) -> None:
    body = {"streams": [{"stream": {"app": app}, "values": [list(each) for each in lines]}]}
    assert loki.http.post("/loki/api/v1/push", json=body).status_code == 204


def frame(tailed: Tail) -> list[Any]:
    document = orjson.loads(tailed.receive())
    assert set(document) == {"streams"}
    assert all(len(each["values"]) == 1 for each in document["streams"])
    return list(document["streams"])


def ns() -> str:
    return str(time.time_ns())


def test_backlog_then_lines_as_they_come(fleet: SimulatedFleet, loki: Api) -> None:
    before = ns()
    push(loki, "tl", (before, "before 1"))
    named = {"app": "tl", "service_name": "tl"}
    with tail(fleet, '{app="tl"}', limit=10) as tailed:
        # With what was stored beside them; live lines come without.
        assert frame(tailed) == [{"stream": {**named, "detected_level": "unknown"}, "values": [[before, "before 1"]]}]
        now = ns()
        push(loki, "tl", (now, "line 0a"), (now, "line 0b", {"pod": "p"}))
        push(loki, "other", (now, "not this"))
        assert frame(tailed) == [
            {"stream": named, "values": [[now, "line 0a"]]},
            {"stream": named, "values": [[now, "line 0b"]]},
        ]
    with tail(fleet, '{app="tl"} |= "b"', limit=2) as tailed:
        assert [each["values"][0][1] for each in frame(tailed)] == ["before 1", "line 0b"]
        now = ns()
        push(loki, "tl", (now, "line 1a"), (now, "line 1b", {"pod": "p"}))
        labels = {**named, "detected_level": "unknown", "pod": "p"}
        assert frame(tailed) == [{"stream": labels, "values": [[now, "line 1b"]]}]


def test_lines_are_held_back_by_the_delay(fleet: SimulatedFleet, loki: Api) -> None:
    with tail(fleet, '{app="late"}', delay_for=1) as tailed:
        now = time.time_ns()
        push(loki, "late", (str(now), "x"))
        assert frame(tailed)[0]["values"] == [[str(now), "x"]]
        assert time.time_ns() - now >= 1_000_000_000


def test_the_story_is_told_live(fleet: SimulatedFleet) -> None:
    path = "/api/logs/v1/application/loki/api/v1/tail"
    with tail(fleet, '{kubernetes_namespace_name="shop"}', path=path, limit=5) as tailed:
        backlog = frame(tailed)
        assert len(backlog) == 5
        stamps = [int(each["values"][0][0]) for each in backlog]
        assert stamps == sorted(stamps)
        assert int(frame(tailed)[0]["values"][0][0]) > stamps[-1]


def test_refusals_before_and_after_the_upgrade(fleet: SimulatedFleet, loki: Api) -> None:
    for query, parameters, text in (
        ("{app=", {}, "parse error at line 1, col 6: syntax error: unexpected $end, expecting STRING"),
        ('{app="tl"}', {"delay_for": 6}, "delay_for can't be greater than 5"),
        ("", {}, "parse error : syntax error: unexpected $end"),
    ):
        with pytest.raises(InvalidStatus) as refused, tail(fleet, query, **parameters):
            pass
        response = refused.value.response
        assert (response.status_code, response.body) == (400, text.encode())
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
    with tail(fleet, 'rate({app="tl"}[1m])') as tailed, pytest.raises(ConnectionClosedError) as closed:
        tailed.receive()
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, "only log selector is supported")
    plain = loki.get("/loki/api/v1/tail", query='{app="tl"}')
    assert (plain.status_code, plain.text, plain.headers["sec-websocket-version"]) == (400, "Bad Request\n", "13")


def test_no_token_no_tail(fleet: SimulatedFleet) -> None:
    url = f"{fleet.url}/{NAME}/loki/loki/api/v1/tail?query=%7Ba%3D%22b%22%7D"
    with pytest.raises(InvalidStatus) as refused, opened(fleet, url, {}):
        pass
    assert refused.value.response.status_code == 401


def test_ten_tails_and_no_more(fleet: SimulatedFleet, loki: Api) -> None:
    # Of a tenant of its own: the server notices a little later that other tests' tails have ended.
    with ExitStack() as stack:
        for _ in range(10):
            opened = stack.enter_context(tail(fleet, '{log_type="audit"}', tenant="audit"))
            assert frame(opened)
        with (
            tail(fleet, '{log_type="audit"}', tenant="audit") as eleventh,
            pytest.raises(ConnectionClosedError) as closed,
        ):
            eleventh.receive()
        text = "max concurrent tail requests limit exceeded, count > limit (11 > 10)"
        assert closed.value.rcvd.code == 1011
        assert closed.value.rcvd.reason == f"rpc error: code = Code(400) desc = {text}"


def test_tails_that_last_too_long_are_closed(fleet: SimulatedFleet, loki: Api) -> None:
    push(loki, "long", (ns(), "x"))
    with tail(fleet, '{app="long"}') as tailed:
        frame(tailed)
        fleet.end_tails(NAME)
        with pytest.raises(ConnectionClosedError) as closed:
            tailed.receive()
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, "reached tail max duration limit")
