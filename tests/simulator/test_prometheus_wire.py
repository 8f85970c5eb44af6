"""The Prometheus API speaks as a real Prometheus was recorded to speak."""

from __future__ import annotations

import re
from itertools import chain
from typing import Any

import httpx
import pytest

from simulator.fleet import SimulatedFleet
from simulator.signals import SIGNALS
from tests.simulator.conftest import PACK, Api, api


@pytest.fixture(scope="module")
def prometheus(fleet: SimulatedFleet) -> Api:
    return api(fleet, fleet.names[0], "prometheus")


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert body["status"] == "error"
    return answer.status_code, body["errorType"], body["error"]


def test_every_query_of_the_pack_is_answered_with_the_labels_of_its_subject(fleet: SimulatedFleet) -> None:
    assert set(PACK) == set(SIGNALS)
    answered = set()
    for name in fleet.names:
        client = api(fleet, name, "prometheus")
        for query in PACK.values():
            forms = [_result(client, form["promql"]) for form in [query, *query.get("alternatives", ())]]
            assert sum(map(bool, forms)) <= 1, query["id"]
            for series in chain.from_iterable(forms):
                answered.add(query["id"])
                for role, label in query["subject"].items():
                    assert role == "kind" or series["metric"][label]
    gpus = {name for name, query in PACK.items() if query["group"] == "gpu"}
    # A single member of etcd has no peers.
    assert set(PACK) - answered <= gpus | {"firing_alerts", "etcd_peer_rtt_p99"}


def _result(client: Api, promql: str) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/query", query=promql)
    assert answer.status_code == 200, answer.text
    result: list[dict[str, Any]] = answer.json()["data"]["result"]
    return result


def test_older_releases_answer_an_alternative_and_list_its_metrics(fleet: SimulatedFleet) -> None:
    query = PACK["dns_forward_avg"]
    (newer, older) = (api(fleet, name, "prometheus") for name in fleet.names[:2])
    assert _result(newer, query["promql"])
    assert not _result(older, query["promql"])
    assert _result(older, query["alternatives"][0]["promql"])
    names = set(older.get("/api/v1/label/__name__/values").json()["data"])
    assert names.isdisjoint(query["needs"])
    assert names.issuperset(query["alternatives"][0]["needs"])


def test_range_answer_has_the_recorded_form(fleet: SimulatedFleet, prometheus: Api) -> None:
    end = int(fleet.anchor.timestamp())
    parameters = {"query": PACK["node_cpu_util"]["promql"], "start": end - 600, "end": end, "step": "1m"}
    answer = prometheus.get("/api/v1/query_range", **parameters)
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body["status"] == "success"
    assert body["data"]["resultType"] == "matrix"
    series = body["data"]["result"][0]
    assert set(series) == {"metric", "values"}
    times = [at for at, _ in series["values"]]
    assert all(isinstance(at, int) for at in times)
    assert set(times) <= set(range(end - 600, end + 1, 60))
    assert all(re.fullmatch(r"0\.\d*[1-9]|[01]", value) for _, value in series["values"])


def test_get_and_form_post_are_equal(fleet: SimulatedFleet, prometheus: Api) -> None:
    end = int(fleet.anchor.timestamp())
    form = {"query": PACK["ns_cpu_cores"]["promql"], "start": end - 3600, "end": end, "step": "30"}
    one = prometheus.get("/api/v1/query_range", **form)
    other = prometheus.http.post("/api/v1/query_range", data=form)
    assert one.content == other.content
    assert len(one.content) > 1000


def test_query_text_may_be_broken_over_lines(fleet: SimulatedFleet, prometheus: Api) -> None:
    promql = PACK["container_mem_vs_limit"]["promql"]
    answer = prometheus.get("/api/v1/query", query=promql.replace(" / ", "\n  /\n\t"))
    assert answer.json()["data"]["result"]


def test_instant_answer_is_the_sample_of_that_time(fleet: SimulatedFleet, prometheus: Api) -> None:
    at = fleet.anchor.timestamp() - 5000
    answer = prometheus.get("/api/v1/query", query=PACK["node_load_per_core"]["promql"], time=at)
    data = answer.json()["data"]
    assert data["resultType"] == "vector"
    ranges = prometheus.range("node_load_per_core", at, at, 30)
    for series in data["result"]:
        stamp, value = series["value"]
        assert stamp == at
        assert ranges[tuple(sorted(series["metric"].items()))] == {at: float(value)}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"start": 0, "end": 11001, "step": 1},
            "exceeded maximum resolution of 11,000 points per timeseries. "
            "Try decreasing the query resolution (?step=XX)",
        ),
        ({"start": 20, "end": 10}, 'invalid parameter "end": end timestamp must not be before start time'),
        (
            {"step": 0},
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
            "Try a positive integer",
        ),
        ({"step": ""}, 'invalid parameter "step": cannot parse "" to a valid duration'),
        (
            {"start": "abc"},
            'invalid parameter "start": Invalid time value for \'start\': cannot parse "abc" to a valid timestamp',
        ),
        ({"query": ""}, 'invalid parameter "query": 1:1: parse error: no expression found in input'),
    ],
)
def test_bad_parameters_get_the_recorded_texts(prometheus: Api, change: dict[str, str], text: str) -> None:
    parameters = {"query": PACK["node_ready"]["promql"], "start": 10, "end": 20, "step": 5, **change}
    assert error_of(prometheus.get("/api/v1/query_range", **parameters)) == (400, "bad_data", text)


def test_eleven_thousand_steps_are_allowed(fleet: SimulatedFleet, prometheus: Api) -> None:
    end = fleet.anchor.timestamp()
    found = prometheus.range("node_ready", end - 11000, end, 1)
    assert all(len(samples) == 11001 for samples in found.values())


def test_any_other_query_is_a_parse_error(prometheus: Api) -> None:
    for query in ("up", "sum(rate(node_cpu_seconds_total[5m]))", "1+1"):
        status, kind, text = error_of(prometheus.get("/api/v1/query", query=query))
        assert (status, kind) == (400, "bad_data")
        assert text.startswith('invalid parameter "query": 1:1: parse error: ')


def test_paths_and_methods_that_are_not_there(prometheus: Api) -> None:
    for path in ("/api/v1/nosuch", "/nosuch"):
        answer = prometheus.get(path)
        assert (answer.status_code, answer.text) == (404, "404 page not found\n")
        assert answer.headers["content-type"].startswith("text/plain")
    answer = prometheus.http.delete("/api/v1/query")
    assert (answer.status_code, answer.text) == (405, "Method Not Allowed\n")
    assert prometheus.get("/-/ready").text == "Prometheus Server is Ready.\n"


def test_tokens_are_checked(fleet: SimulatedFleet) -> None:
    first, second = fleet.names[:2]
    for token in ("", "wrong", fleet.token(second)):
        answer = api(fleet, first, "prometheus", token).get("/api/v1/status/buildinfo")
        assert (answer.status_code, answer.text) == (401, "Unauthorized\n")


def test_metric_names_say_what_the_cluster_has(fleet: SimulatedFleet) -> None:
    names = {}
    for cluster in fleet.names:
        data = api(fleet, cluster, "prometheus").get("/api/v1/label/__name__/values").json()["data"]
        assert data == sorted(set(data))
        names[cluster] = set(data)
    openshift, vanilla, telco = (names[cluster] for cluster in fleet.names)
    assert all("haproxy_backend_up" in each and "up" in each and "ALERTS" in each for each in names.values())
    assert "cluster_operator_up" in openshift - vanilla
    assert "openshift_ptp_offset_ns" in telco - openshift
    assert not any(name.startswith("DCGM") for each in names.values() for name in each)


def test_absent_metric_gives_an_empty_answer(fleet: SimulatedFleet) -> None:
    client = api(fleet, fleet.names[1], "prometheus")
    assert client.range("operator_up", fleet.anchor.timestamp() - 60, fleet.anchor.timestamp(), 30) == {}


def test_label_and_series_endpoints(fleet: SimulatedFleet, prometheus: Api) -> None:
    assert error_of(prometheus.get("/api/v1/label/no-such/values")) == (
        400,
        "bad_data",
        'invalid label name: "no-such"',
    )
    assert prometheus.get("/api/v1/label/nosuch/values").json()["data"] == []
    assert {"__name__", "instance", "namespace", "pod"} <= set(prometheus.get("/api/v1/labels").json()["data"])
    assert error_of(prometheus.get("/api/v1/series"))[2] == "no match[] parameter provided"
    refused = error_of(prometheus.http.get("/api/v1/series", params={"match[]": "{}"}))
    assert refused[2] == 'invalid parameter "match[]": match[] must contain at least one non-empty matcher'
    found = prometheus.http.get("/api/v1/series", params={"match[]": 'up{job=~"node.*"}'}).json()["data"]
    assert found == [{"__name__": "up", "job": "node-exporter"}]
    metadata = prometheus.get("/api/v1/metadata", metric="node_vmstat_oom_kill").json()["data"]
    assert list(metadata) == ["node_vmstat_oom_kill"]
    assert prometheus.get("/api/v1/metadata", metric="nosuch").json()["data"] == {}


def test_instance_labels_fit_the_platform(fleet: SimulatedFleet) -> None:
    instances = {}
    for cluster in fleet.names[:2]:
        nodes = api(fleet, cluster, "kubernetes").get("/api/v1/nodes").json()["items"]
        found = api(fleet, cluster, "prometheus").get("/api/v1/query", query=PACK["node_cpu_util"]["promql"])
        labels = {series["metric"]["instance"] for series in found.json()["data"]["result"]}
        names = {node["metadata"]["name"] for node in nodes}
        addresses = {f"{node['status']['addresses'][0]['address']}:9100" for node in nodes}
        instances[cluster] = (labels, names, addresses)
    labels, names, _ = instances[fleet.names[0]]
    assert labels
    assert labels <= names
    labels, _, addresses = instances[fleet.names[1]]
    assert labels
    assert labels <= addresses


def test_requests_and_samples_are_counted(fleet: SimulatedFleet) -> None:
    cluster = fleet.names[2]
    client = api(fleet, cluster, "prometheus")
    before = fleet.requests()["clusters"].get(cluster, {})
    found = client.range("node_cpu_util", fleet.anchor.timestamp() - 600, fleet.anchor.timestamp(), 30)
    after = fleet.requests()["clusters"][cluster]
    assert after["samples"] - before.get("samples", 0) == sum(map(len, found.values()))
    asked = before.get("prometheus", {"paths": {}})["paths"].get("/api/v1/query_range", 0)
    assert after["prometheus"]["paths"]["/api/v1/query_range"] == asked + 1


def test_control_page_needs_its_own_token(fleet: SimulatedFleet, prometheus: Api) -> None:
    url = f"{fleet.url}/_control/requests"
    assert prometheus.http.get(url).status_code == 401
    token = (fleet.directory / "control.token").read_text()
    control = {"Authorization": f"Bearer {token}"}
    answer = prometheus.http.get(url, headers=control)
    assert answer.json()["requests"] > 0
    assert answer.json()["cpu_seconds"] >= 0
    assert prometheus.http.post(f"{fleet.url}/_control/reset", headers=control).status_code == 200
    assert fleet.requests()["requests"] == 0
