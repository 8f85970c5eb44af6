"""The simulated Alertmanager: what it is given, what it silences and inhibits, in the recorded words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import FaultKind
from simulator.truth import rfc3339
from tests.simulator.conftest import ANCHOR, PACK, Api, api

NOW = time.time()
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=1, faults=(FaultKind.DISK_FILLING,), anchor=ANCHOR, seed=3)) as running:
        yield running


@pytest.fixture
def alertmanager(fleet: SimulatedFleet) -> Iterator[Api]:
    client = api(fleet, fleet.names[0], "alertmanager")
    yield client
    for silence in client.get("/api/v2/silences").json():
        client.http.delete(f"/api/v2/silence/{silence['id']}")


def silence(**more: Any) -> dict[str, Any]:
    """A silence of one alert for the next hour."""
    matcher = {"name": "alertname", "value": "X", "isRegex": False, "isEqual": True}
    times = {"startsAt": rfc3339(time.time() - 60), "endsAt": rfc3339(time.time() + 3600)}
    return {"matchers": [matcher], **times, "createdBy": "noc", "comment": "test", **more}


def post(client: Api, body: Any) -> httpx.Response:
    return client.http.post("/api/v2/silences", json=body)


def states(client: Api, **parameters: Any) -> dict[str, str]:
    alerts = client.get("/api/v2/alerts", **parameters).json()
    return {f"{each['labels']['alertname']}/{each['labels']['severity']}": each["status"]["state"] for each in alerts}


def test_a_silence_lives_and_ends(alertmanager: Api) -> None:
    made = post(alertmanager, silence())
    assert (made.status_code, list(made.json())) == (200, ["silenceID"])
    path = f"/api/v2/silence/{made.json()['silenceID']}"
    found = alertmanager.get(path).json()
    assert list(found) == ["id", "status", "updatedAt", "comment", "createdBy", "endsAt", "matchers", "startsAt"]
    assert found["status"] == {"state": "active"}
    assert found["matchers"] == silence()["matchers"]
    # A beginning in the past is moved to now.
    assert found["startsAt"] == found["updatedAt"] > rfc3339(NOW - 60)
    for _ in range(2):
        ended = alertmanager.http.delete(path)
        assert (ended.status_code, ended.content, "content-type" in ended.headers) == (200, b"", False)
    expired = alertmanager.get(path).json()
    assert (expired["status"]["state"], expired["endsAt"]) == ("expired", expired["updatedAt"])
    assert expired in alertmanager.get("/api/v2/silences").json()


def test_a_silence_is_changed_in_place_or_anew(alertmanager: Api) -> None:
    first = post(alertmanager, silence()).json()["silenceID"]
    assert post(alertmanager, silence(id=first, comment="longer")).json()["silenceID"] == first
    other = [{"name": "alertname", "value": "Y", "isRegex": False}]
    second = post(alertmanager, silence(id=first, matchers=other)).json()["silenceID"]
    assert second != first
    later = post(alertmanager, silence(startsAt=rfc3339(time.time() + 600))).json()["silenceID"]
    listed = {each["id"]: each["status"]["state"] for each in alertmanager.get("/api/v2/silences").json()}
    assert [listed[each] for each in (first, second, later)] == ["expired", "active", "pending"]
    found = alertmanager.get("/api/v2/silences", filter='alertname="Y"').json()
    assert [each["id"] for each in found if each["status"]["state"] == "active"] == [second]


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        (silence(matchers=[]), 422, {"code": 612, "message": "matchers in body should have at least 1 items"}),
        (silence(comment=None), 422, {"code": 602, "message": "comment in body is required"}),
        (
            silence(startsAt="2026-01-01T00:00:00Z", endsAt="2026-01-01T01:00:00Z"),
            400,
            "Failed to create silence: end time can't be in the past",
        ),
        (
            silence(startsAt=rfc3339(NOW + 600), endsAt=rfc3339(NOW + 60)),
            400,
            "Failed to create silence: start time must be before end time",
        ),
        (silence(id=UNKNOWN_ID), 404, "silence not found"),
        (
            silence(matchers=[{"name": "a", "value": ".*", "isRegex": True}]),
            400,
            "invalid silence: at least one matcher must not match the empty string",
        ),
    ],
)
def test_silences_are_refused_in_three_shapes(alertmanager: Api, body: Any, status: int, answer: Any) -> None:
    refused = post(alertmanager, body)
    assert (refused.status_code, refused.json()) == (status, answer)


def test_what_is_no_silence_at_all(alertmanager: Api) -> None:
    json = {"Content-Type": "application/json"}
    broken = alertmanager.http.post("/api/v2/silences", content=b"{bad", headers=json)
    text = "invalid character 'b' looking for beginning of object key string"
    message = f'parsing silence body from "" failed, because {text}'
    assert (broken.status_code, broken.json()) == (400, {"code": 400, "message": message})
    form = alertmanager.http.post("/api/v2/silences", data={"a": "b"})
    message = 'unsupported media type "application/x-www-form-urlencoded", only [application/json] are allowed'
    assert (form.status_code, form.json()) == (415, {"code": 415, "message": message})
    unknown = alertmanager.get(f"/api/v2/silence/{UNKNOWN_ID}")
    assert (unknown.status_code, unknown.content, "content-type" in unknown.headers) == (404, b"", False)
    wrong = alertmanager.get("/api/v2/silence/nouuid")
    message = 'silenceID in path must be of type uuid: "nouuid"'
    assert (wrong.status_code, wrong.json()) == (422, {"code": 601, "message": message})
    bracket = alertmanager.get("/api/v2/alerts", receiver="[")
    message = "failed to parse receiver param: error parsing regexp: missing closing ]: `[)$`"
    assert (bracket.status_code, bracket.json()) == (400, message)
    method = alertmanager.http.put("/api/v2/alerts")
    message = "method PUT is not allowed, but [GET,POST] are"
    assert (method.status_code, method.json()) == (405, {"code": 405, "message": message})


def test_silences_suppress_the_storys_alerts(alertmanager: Api) -> None:
    name = "NodeFilesystemAlmostOutOfSpace"
    assert states(alertmanager) == {f"{name}/critical": "active"}
    matcher = {"name": "alertname", "value": "Node.*", "isRegex": True}
    silence_id = post(alertmanager, silence(matchers=[matcher])).json()["silenceID"]
    assert states(alertmanager) == {f"{name}/critical": "suppressed"}
    assert alertmanager.get("/api/v2/alerts").json()[0]["status"]["silencedBy"] == [silence_id]
    assert states(alertmanager, silenced="false") == {}
    assert states(alertmanager, active="false") == {f"{name}/critical": "suppressed"}
    group = alertmanager.get("/api/v2/alerts/groups").json()[0]
    assert group["alerts"][0]["status"]["state"] == "suppressed"
    assert set(group) == {"alerts", "labels", "receiver"}


def test_posted_alerts_fire_until_they_end_and_inhibit_each_other(alertmanager: Api) -> None:
    def alert(severity: str, **more: Any) -> dict[str, Any]:
        labels = {"alertname": "Posted", "namespace": "shop", "severity": severity, "empty": ""}
        return {"labels": labels, "annotations": {"a": "b"}, "generatorURL": "http://x/", **more}

    def send(*alerts: Any) -> httpx.Response:
        return alertmanager.http.post("/api/v2/alerts", json=list(alerts))

    sent = send(alert("warning", startsAt="2026-03-11T11:00:00Z"), alert("critical"))
    assert (sent.status_code, sent.content, "content-type" in sent.headers) == (200, b"", False)
    found = {
        each["labels"]["severity"]: each
        for each in alertmanager.get("/api/v2/alerts", filter="alertname=Posted").json()
    }
    assert found["warning"]["startsAt"] == "2026-03-11T11:00:00.000Z"
    assert "empty" not in found["warning"]["labels"]
    assert found["warning"]["status"] == {
        "inhibitedBy": [found["critical"]["fingerprint"]],
        "silencedBy": [],
        "state": "suppressed",
    }
    assert found["critical"]["status"]["state"] == "active"
    assert "Posted/warning" not in states(alertmanager, inhibited="false")
    order = [each["fingerprint"] for each in alertmanager.get("/api/v2/alerts").json()]
    assert order == sorted(order)
    # An alert that has ended is gone, and no longer inhibits.
    send(alert("critical", endsAt=rfc3339(time.time() - 1), startsAt=rfc3339(NOW - 600)))
    assert states(alertmanager, filter="alertname=Posted") == {"Posted/warning": "active"}
    bad = send({"labels": {}}, alert("info"))
    assert (bad.status_code, bad.json()) == (400, "at least one label pair required")
    assert "Posted/info" in states(alertmanager)
    send(*(alert(each, endsAt=rfc3339(time.time() - 1), startsAt=rfc3339(NOW - 600)) for each in ("warning", "info")))
    assert states(alertmanager, filter="alertname=Posted") == {}


def test_rules_and_alerts_of_prometheus_agree(fleet: SimulatedFleet, alertmanager: Api) -> None:
    prometheus = api(fleet, fleet.names[0], "prometheus")

    def data(path: str, **parameters: Any) -> Any:
        return prometheus.get(f"/api/v1/{path}", **parameters).json()["data"]

    rules = [rule for group in data("rules")["groups"] for rule in group["rules"]]
    alerting = {rule["name"]: rule for rule in rules if rule["type"] == "alerting"}
    firing = {name for name, rule in alerting.items() if rule["state"] == "firing"}
    assert firing == {each["labels"]["alertname"] for each in alertmanager.get("/api/v2/alerts").json()}
    counted = data("query", query=PACK["firing_alerts"]["promql"], time=ANCHOR.timestamp())["result"]
    assert firing == {each["metric"]["alertname"] for each in counted}
    assert {rule["state"] for rule in alerting.values()} == {"firing", "inactive"}
    rule = alerting["NodeFilesystemAlmostOutOfSpace"]
    assert set(rule) >= {"query", "duration", "keepFiringFor", "labels", "annotations", "health", "lastEvaluation"}
    assert "{{ $value }}" in rule["annotations"]["description"]
    (alert,) = rule["alerts"]
    assert data("alerts") == {"alerts": [alert]}
    assert set(alert) == {"labels", "annotations", "state", "activeAt", "value"}
    assert (alert["value"], float(alert["value"])) == ("2.8e+00", 2.8)
    assert alert["annotations"]["description"] == "A file system of the cluster has only 2.8% space left."
    # It was pending for as long as its rule says before it fired.
    fired = alertmanager.get("/api/v2/alerts").json()[0]["startsAt"]
    assert alert["activeAt"] < fired
    kinds = {
        kind: {r["type"] for g in data("rules", type=kind)["groups"] for r in g["rules"]}
        for kind in ("alert", "record")
    }
    assert kinds == {"alert": {"alerting"}, "record": {"recording"}}
    refused = prometheus.get("/api/v1/rules", type="x").json()
    assert (refused["errorType"], refused["error"]) == ("bad_data", 'invalid parameter "type": not supported value "x"')


def test_metadata_and_exemplars(fleet: SimulatedFleet) -> None:
    prometheus = api(fleet, fleet.names[0], "prometheus")

    def data(path: str, **parameters: Any) -> Any:
        return prometheus.get(f"/api/v1/{path}", **parameters).json()["data"]

    histogram = "traces_service_graph_request_server_seconds"
    assert data("metadata", metric=histogram)[histogram][0]["type"] == "histogram"
    assert data("metadata", metric=f"{histogram}_bucket") == data("metadata", metric="nosuch") == {}
    assert len(data("metadata", limit=2)) == 2
    window = {"start": ANCHOR.timestamp() - 600, "end": ANCHOR.timestamp()}
    query = f"histogram_quantile(0.99, rate({histogram}_bucket[5m]))"
    series = data("query_exemplars", query=query, **window)
    assert series
    tempo = api(fleet, fleet.names[0], "tempo")
    for each in series:
        assert set(each) == {"seriesLabels", "exemplars"}
        exemplar = each["exemplars"][0]
        assert set(exemplar) == {"labels", "value", "timestamp"}
        assert float(exemplar["value"]) <= float(each["seriesLabels"]["le"])
        assert tempo.get(f"/api/v2/traces/{exemplar['labels']['trace_id']}").json()["trace"]["resourceSpans"]
    assert data("query_exemplars", query="up", **window) == []
    assert prometheus.get("/api/v1/query_exemplars", query="up", start="x", end="1").status_code == 400
