"""Alertmanager, Loki and Tempo answer what a client asks first, as the real servers were recorded to answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator.alertmanager import fingerprint
from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import FaultKind
from tests.simulator.conftest import ANCHOR, PACK, Api, api, unix

JSON_OF_LOKI = "application/json; charset=UTF-8"
TEXT = "text/plain; charset=utf-8"


@pytest.fixture(scope="module")
def alertmanager(fleet: SimulatedFleet) -> Api:
    return api(fleet, fleet.names[0], "alertmanager")


@pytest.fixture(scope="module")
def loki(fleet: SimulatedFleet) -> Api:
    return api(fleet, fleet.names[0], "loki")


@pytest.fixture(scope="module")
def tempo(fleet: SimulatedFleet) -> Api:
    return api(fleet, fleet.names[0], "tempo")


def test_registration_names_every_server(fleet: SimulatedFleet) -> None:
    for entry in fleet.registration["clusters"]:
        assert set(entry["endpoints"]) == {"kubernetes", "prometheus", "alertmanager", "loki", "tempo"}
    for kind in ("alertmanager", "loki", "tempo"):
        refused = api(fleet, fleet.names[0], kind, "wrong").get("/ready")
        assert (refused.status_code, refused.text) == (401, "Unauthorized\n")


@pytest.fixture(scope="module")
def filling() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=1, faults=(FaultKind.DISK_FILLING,), anchor=ANCHOR, seed=3)) as running:
        yield running


def test_alerts_are_those_that_the_metrics_have(filling: SimulatedFleet) -> None:
    name = filling.names[0]
    alerts = api(filling, name, "alertmanager").get("/api/v2/alerts").json()
    answer = api(filling, name, "prometheus").get(
        "/api/v1/query", query=PACK["firing_alerts"]["promql"], time=ANCHOR.timestamp()
    )
    firing = {(each["metric"]["alertname"], each["metric"]["namespace"]) for each in answer.json()["data"]["result"]}
    assert {(each["labels"]["alertname"], each["labels"]["namespace"]) for each in alerts} == firing
    assert firing
    alert = alerts[0]
    assert alert["status"] == {"inhibitedBy": [], "silencedBy": [], "state": "active"}
    assert alert["fingerprint"] == fingerprint(alert["labels"])
    start = unix(filling.truth["faults"][0]["start"])
    assert start < unix(alert["startsAt"]) < ANCHOR.timestamp() < unix(alert["endsAt"])


def test_alerts_are_filtered(filling: SimulatedFleet) -> None:
    client = api(filling, filling.names[0], "alertmanager")

    def count(**parameters: str | list[str]) -> int:
        return len(client.get("/api/v2/alerts", **parameters).json())

    assert count(filter=['severity="critical"', "alertname=~Node.*"]) == 1
    assert count(filter='severity!="critical"') == 0
    assert count(active="false") == count(active="maybe") == count(receiver="nobody") == 0
    assert len(client.get("/api/v2/alerts/groups").json()[0]["alerts"]) == 1


def test_fingerprint_is_that_of_a_real_alertmanager() -> None:
    labels = {"alertname": "TargetDown", "cluster": "lab1", "instance": "127.0.0.1:19999", "job": "dead"}
    labels |= {"prometheus": "openshift-monitoring/k8s", "prometheus_replica": "prometheus-k8s-0"}
    assert fingerprint(labels | {"severity": "warning", "team": "noc"}) == "824cdc922f2b3b16"


def test_alertmanager_speaks_in_its_own_words(alertmanager: Api) -> None:
    assert alertmanager.get("/-/ready").text == "OK"
    status = alertmanager.get("/api/v2/status").json()
    assert set(status) == {"cluster", "config", "uptime", "versionInfo"}
    assert alertmanager.get("/api/v2/silences").json() == []
    bad = alertmanager.get("/api/v2/alerts", filter="bad filter")
    assert (bad.status_code, bad.json()) == (400, "bad matcher format: bad filter")
    missing = alertmanager.get("/api/v2/nosuch")
    assert (missing.status_code, missing.json()["message"]) == (404, "path /api/v2/nosuch was not found")
    assert alertmanager.http.put("/api/v2/silences", json={}).status_code == 405


def test_loki_answers_a_first_question(loki: Api) -> None:
    ready = loki.get("/ready")
    assert (ready.text.strip(), ready.headers["content-type"]) == ("ready", TEXT)
    assert loki.get("/loki/api/v1/status/buildinfo").json()["version"]
    names = loki.get("/loki/api/v1/labels")
    assert "kubernetes_namespace_name" in names.json()["data"]
    assert names.headers["content-type"] == JSON_OF_LOKI
    assert loki.get("/loki/api/v1/series", **{"match[]": '{app="x"}'}).json()["data"] == []
    data = loki.get("/loki/api/v1/query", query="vector(1)+vector(1)", time="1795265702209000000").json()["data"]
    assert (data["resultType"], data["result"]) == ("vector", [{"metric": {}, "value": [1795265702.209, "2"]}])
    scalar = loki.get("/loki/api/v1/query", query="1+1", time="1795265701000000000").json()["data"]
    assert (scalar["resultType"], scalar["result"]) == ("scalar", [1795265701000, "2"])
    lines = loki.get("/loki/api/v1/query_range", query='{namespace=~".+"} |= "error"', since="5m", limit="1").json()
    assert (lines["data"]["resultType"], lines["data"]["result"]) == ("streams", [])


@pytest.mark.parametrize(
    ("path", "parameters", "text"),
    [
        ("query", {}, "parse error : syntax error: unexpected $end"),
        ("query_range", {"query": "foo"}, "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER"),
        (
            "query_range",
            {"query": "{app=x}"},
            "parse error at line 1, col 6: syntax error: unexpected IDENTIFIER, expecting STRING",
        ),
        (
            "query_range",
            {"query": '{app="x"', "limit": "10"},
            "parse error at line 1, col 9: syntax error: unexpected $end, expecting } or ,",
        ),
        (
            "query",
            {"query": '{app="x"}'},
            "log queries are not supported as an instant query type, please change your query to a range query type",
        ),
        ("query_range", {"query": '{app="x"}', "limit": "0"}, "limit must be a positive value"),
        (
            "query_range",
            {"query": '{app="x"}', "limit": "10000"},
            "max entries limit per query exceeded, limit > max_entries_limit_per_query (10000 > 5000)",
        ),
        ("query_range", {"query": '{app="x"}', "direction": "up"}, "invalid direction 'up'"),
        (
            "query_range",
            {"query": '{app="x"}', "start": "1795265701000000000", "end": "1795265700000000000"},
            "end timestamp must not be before or equal to start time",
        ),
        (
            "query_range",
            {"query": '{app="x"}', "start": "1792385701000000000", "end": "1795265702000000000"},
            "the query time range exceeds the limit (query length: 800h0m1s, limit: 30d1h)",
        ),
        (
            "labels",
            {"start": "x"},
            "could not parse 'start' parameter: strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
        ("index/stats", {"query": '{app="x"} |= "y"'}, "only label matchers are supported"),
    ],
)
def test_loki_refuses_in_the_recorded_words(loki: Api, path: str, parameters: dict[str, str], text: str) -> None:
    answer = loki.get(f"/loki/api/v1/{path}", **parameters)
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (400, text, TEXT)


def test_loki_refuses_a_selector_of_everything(loki: Api) -> None:
    for query in ("{}", '{app=~".*"}', '{app!="x"}'):
        answer = loki.get("/loki/api/v1/query_range", query=query)
        assert answer.status_code == 400
        assert answer.text.startswith("parse error : queries require at least one regexp or equality matcher")
    assert loki.get("/loki/api/v1/nosuch").text == "404 page not found\n"
    refused = loki.http.put("/loki/api/v1/query_range")
    assert (refused.status_code, refused.content) == (405, b"")


def test_gateways_have_tenants(fleet: SimulatedFleet, loki: Api, tempo: Api) -> None:
    line = {"query": '{kubernetes_namespace_name=~".+"}', "limit": "1"}
    assert loki.get("/api/logs/v1/audit/loki/api/v1/query_range", **line).json()["status"] == "success"
    unknown = loki.get("/api/logs/v1/nosuch/loki/api/v1/query_range", **line)
    assert (unknown.status_code, unknown.json()["errorType"]) == (401, "observatorium-api")
    # The gateway does not let this through.
    assert loki.get("/api/logs/v1/audit/loki/api/v1/index/stats", **line).status_code == 404
    assert tempo.get("/api/traces/v1/platform/tempo/api/search", q="{}").json()["metrics"]
    vanilla = api(fleet, fleet.names[1], "loki")
    assert vanilla.get("/api/logs/v1/audit/loki/api/v1/query_range", **line).status_code == 404
