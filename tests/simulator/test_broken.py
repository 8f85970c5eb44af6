"""Broken clusters fail in the way that their mode names, and the others do not notice."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

import httpx
import pytest

from simulator.broken import HUGE_BYTES
from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import BrokenMode
from simulator.registration import cluster_names
from tests.simulator.conftest import PACK, api

COUNT = len(BrokenMode) + 1
NAMES = dict(zip(BrokenMode, cluster_names(COUNT), strict=False))
SOUND = cluster_names(COUNT)[-1]
QUERY = PACK["node_cpu_util"]["promql"]


@pytest.fixture(scope="module")
def broken() -> Iterator[SimulatedFleet]:
    modes = {name: mode for mode, name in NAMES.items()}
    with SimulatedFleet(FleetOptions(clusters=COUNT, faults=(), broken=modes)) as running:
        yield running


def ask(fleet: SimulatedFleet, cluster: str, query: str = QUERY) -> httpx.Response:
    end = fleet.anchor.timestamp()
    client = api(fleet, cluster, "prometheus")
    return client.get("/api/v1/query_range", query=query, start=end - 3600, end=end, step=30)


def test_hanging_cluster_never_answers(broken: SimulatedFleet) -> None:
    client = api(broken, NAMES[BrokenMode.HANG], "prometheus")
    with pytest.raises(httpx.ReadTimeout):
        client.http.get("/api/v1/query", params={"query": QUERY}, timeout=0.5)
    with pytest.raises(httpx.ReadTimeout):
        api(broken, NAMES[BrokenMode.HANG], "kubernetes").http.get("/version", timeout=0.5)


def test_html_instead_of_json(broken: SimulatedFleet) -> None:
    answer = ask(broken, NAMES[BrokenMode.HTML])
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_truncated_answer_ends_in_the_middle(broken: SimulatedFleet) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        ask(broken, NAMES[BrokenMode.TRUNCATED])


def test_huge_answer_is_as_long_as_it_says_and_can_be_left(broken: SimulatedFleet) -> None:
    client = api(broken, NAMES[BrokenMode.HUGE], "prometheus")
    form = {"query": QUERY, "start": 0, "end": 60, "step": 30}
    with client.http.stream("POST", "/api/v1/query_range", data=form) as answer:
        read = 0
        for chunk in answer.iter_raw():
            read += len(chunk)
            if read > 5_000_000:
                break
    assert read > 5_000_000
    with client.http.stream("POST", "/api/v1/query_range", data=form) as answer:
        assert sum(len(chunk) for chunk in answer.iter_raw()) > HUGE_BYTES
    assert client.get("/-/ready").status_code == 200


def test_expired_token(broken: SimulatedFleet) -> None:
    name = NAMES[BrokenMode.UNAUTHORIZED]
    assert ask(broken, name).status_code == 401
    answer = api(broken, name, "kubernetes").get("/api/v1/nodes")
    assert (answer.status_code, answer.json()["message"]) == (401, "Unauthorized")


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (BrokenMode.SELF_SIGNED, "self-signed certificate"),
        (BrokenMode.EXPIRED_CERTIFICATE, "certificate has expired"),
        (BrokenMode.WRONG_NAME, "certificate is not valid for '127.0.0.1'"),
        (BrokenMode.UNKNOWN_CA, "unable to get local issuer certificate"),
    ],
)
def test_faulty_certificates_are_refused_for_their_fault(broken: SimulatedFleet, mode: BrokenMode, words: str) -> None:
    entry = next(each for each in broken.registration["clusters"] if each["name"] == NAMES[mode])
    endpoint = entry["endpoints"]["prometheus"]
    with (
        httpx.Client(verify=ssl.create_default_context(cadata=endpoint["ca_pem"])) as client,
        pytest.raises(httpx.ConnectError, match=words),
    ):
        client.get(f"{endpoint['url']}/-/ready")


def test_everything_is_forbidden(broken: SimulatedFleet) -> None:
    name = NAMES[BrokenMode.FORBIDDEN]
    answer = ask(broken, name)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/plain; charset=utf-8")
    assert answer.text.startswith("Forbidden (user=system:serviceaccount:monitoring:reader, verb=get, ")
    refused = api(broken, name, "kubernetes").get("/version")
    assert (refused.status_code, refused.json()["reason"]) == (403, "Forbidden")


def test_another_product_answers(broken: SimulatedFleet) -> None:
    name = NAMES[BrokenMode.WRONG_SERVICE]
    assert (ask(broken, name).status_code, ask(broken, name).json()["message"]) == (404, "Not found")
    assert "gitVersion" not in api(broken, name, "kubernetes").get("/version").json()
    assert api(broken, name, "prometheus").get("/api/health").json()["database"] == "ok"


def test_throttled_once_a_path(broken: SimulatedFleet) -> None:
    client = api(broken, NAMES[BrokenMode.THROTTLED], "kubernetes")
    for path in ("/version", "/api/v1/nodes"):
        first = client.get(path)
        assert (first.status_code, first.headers["retry-after"]) == (429, "1")
        assert (first.text, first.headers["content-type"]) == (
            "Too many requests, please try again later.\n",
            "text/plain; charset=utf-8",
        )
        assert client.get(path).status_code == 200


def test_slow_answers_are_right_and_a_second_late(broken: SimulatedFleet) -> None:
    started = time.monotonic()
    assert ask(broken, NAMES[BrokenMode.SLOW]).status_code == 200
    assert time.monotonic() - started >= 1


def test_one_api_alone_can_be_broken(broken: SimulatedFleet) -> None:
    broken.set_broken(f"{SOUND}/prometheus", BrokenMode.UNAVAILABLE)
    assert ask(broken, SOUND).status_code == 503
    assert api(broken, SOUND, "kubernetes").get("/version").status_code == 200
    broken.set_broken(f"{SOUND}/prometheus", None)
    assert ask(broken, SOUND).status_code == 200
    with pytest.raises(ValueError, match="before the start"):
        broken.set_broken(SOUND, BrokenMode.WRONG_NAME)


def test_unavailable(broken: SimulatedFleet) -> None:
    assert ask(broken, NAMES[BrokenMode.UNAVAILABLE]).status_code == 503


def test_partial_cluster_fails_warns_or_answers_by_query(broken: SimulatedFleet) -> None:
    kinds = set()
    for query in PACK.values():
        answer = ask(broken, NAMES[BrokenMode.PARTIAL], query["promql"])
        body = answer.json()
        kinds.add((answer.status_code, body["status"], bool(body.get("warnings"))))
    assert kinds == {(503, "error", False), (200, "success", True), (200, "success", False)}


def test_sound_cluster_beside_them_is_well(broken: SimulatedFleet) -> None:
    assert ask(broken, SOUND).json()["data"]["result"]
    assert api(broken, SOUND, "kubernetes").get("/api/v1/nodes").status_code == 200


def test_cluster_can_be_broken_and_mended_and_its_token_changed(broken: SimulatedFleet) -> None:
    broken.set_broken(SOUND, BrokenMode.UNAVAILABLE)
    assert ask(broken, SOUND).status_code == 503
    broken.set_broken(SOUND, None)
    assert ask(broken, SOUND).status_code == 200
    old = broken.token(SOUND)
    new = broken.rotate_token(SOUND)
    assert (broken.directory / f"{SOUND}.token").read_text() == new != old
    assert api(broken, SOUND, "prometheus", old).get("/-/ready").status_code == 401
    assert ask(broken, SOUND).status_code == 200


def test_stop_does_not_wait_for_what_hangs() -> None:
    options = FleetOptions(clusters=1, faults=(), broken={"fra-01": BrokenMode.HANG})
    with SimulatedFleet(options) as running:
        client = api(running, "fra-01", "prometheus")
        with pytest.raises(httpx.ReadTimeout):
            client.http.get("/-/ready", timeout=0.3)
    with pytest.raises(httpx.ConnectError):
        client.http.get("/-/ready", timeout=1)
