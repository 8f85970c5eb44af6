"""What each source's probe makes of real servers, and of answers that were recorded from real ones."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from fleet.collectors.validation import validate_cluster
from fleet.credentials import GivenCredential
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.validation import EndpointStatus, EndpointValidation
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Request, reply
from tests.fleet.collectors.prometheus.certificates import Authority, KeyPair
from tests.fleet.collectors.prometheus.real_prometheus import INSTALLED, RealPrometheus
from tests.fleet.collectors.real_alertmanager import PROGRAM, running_alertmanager

needs_prometheus = pytest.mark.skipif(not INSTALLED, reason="Debian's prometheus is not installed")
needs_alertmanager = pytest.mark.skipif(PROGRAM is None, reason="Debian's prometheus-alertmanager is not installed")

NOT_FOUND = reply("404 page not found\n", 404, "text/plain; charset=utf-8")
# Recorded from Loki 3.8 and Tempo 3.1 built from source, hence without a version of their own.
BUILD_INFO = reply('{"version":"3.8.0","revision":"","branch":"","buildUser":"","buildDate":"","goVersion":"go1.27.3"}')
NO_STREAMS = reply(
    '{"status":"success","data":{"resultType":"streams","result":[],"stats":{"summary":{"execTime":0.005873}}}}',
    content_type="application/json; charset=UTF-8",
)
TRACE = {
    "traceID": "c9a4abb0fd8c5df396567e5642961f6",
    "rootServiceName": "gateway",
    "rootTraceName": "GET /orders",
    "startTimeUnixNano": "1795265400790791461",
    "durationMs": 2500,
}
NO_TENANT = reply("no org id\n", 401, "text/plain; charset=utf-8")
NO_PERMISSION = reply(
    '{"status":"error","errorType":"observatorium-api","error":"You don\'t have permission to access this tenant"}', 403
)


def probed(kind: EndpointKind, url: str, **fields: str) -> EndpointValidation:
    cluster = Cluster(name="one", endpoints={kind: Endpoint(url=url, **fields)})  # type: ignore[arg-type]
    (seen,) = validate_cluster(cluster, lambda _: GivenCredential(None)).endpoints
    return seen


def serve(answers: dict[str, bytes]) -> ByteServer:
    """A server that answers some paths and has no others."""
    return ByteServer(lambda request, _: answers.get(urlsplit(request.target).path, NOT_FOUND))


@needs_prometheus
def test_a_real_prometheus(tmp_path: Path) -> None:
    with RealPrometheus(tmp_path / "prometheus") as server:
        seen = probed(EndpointKind.PROMETHEUS, server.url)
        others = {kind: probed(kind, server.url) for kind in EndpointKind if kind is not EndpointKind.PROMETHEUS}
    assert seen.status is EndpointStatus.OK
    assert (seen.message, seen.hint) == ("Prometheus answers queries", "")
    program = subprocess.run(["prometheus", "--version"], check=True, capture_output=True, text=True)
    assert seen.version in program.stdout + program.stderr
    assert {each.status for each in others.values()} == {EndpointStatus.WRONG_SERVICE}
    assert {each.hint for each in others.values()} == {"It answers as prometheus does: register the address as that."}


@needs_prometheus
def test_a_real_server_that_asks_for_a_client_certificate(tmp_path: Path) -> None:
    authority = Authority()
    pair = authority.issue()
    server = RealPrometheus(
        tmp_path / "prometheus", certificate=(pair.certificate, pair.key), client_authority=authority.pem
    )
    with server:
        for kind in (EndpointKind.PROMETHEUS, EndpointKind.KUBERNETES):
            seen = probed(kind, server.url, ca_pem=authority.pem)
            assert seen.status is EndpointStatus.TLS
            assert "asks for a client certificate" in seen.message


@pytest.mark.parametrize("kind", [EndpointKind.PROMETHEUS, EndpointKind.KUBERNETES])
def test_certificates_that_are_early_or_of_an_unknown_chain(kind: EndpointKind) -> None:
    authority, stranger = Authority(), Authority("a stranger")
    with ByteServer(lambda *_: NOT_FOUND, authority.issue(starts=timedelta(days=1))) as server:
        early = probed(kind, server.url, ca_pem=authority.pem)
    assert (early.status, "is not valid yet" in early.message) == (EndpointStatus.TLS, True)
    pair = stranger.issue()
    # The chain brings its own root with it, which proves nothing.
    with ByteServer(lambda *_: NOT_FOUND, KeyPair(pair.certificate + stranger.pem, pair.key)) as server:
        unknown = probed(kind, server.url, ca_pem=authority.pem)
    assert (unknown.status, "not known here" in unknown.message) == (EndpointStatus.TLS, True)


@needs_alertmanager
def test_a_real_alertmanager(tmp_path: Path) -> None:
    with running_alertmanager(tmp_path / "alertmanager") as url:
        quiet = probed(EndpointKind.ALERTMANAGER, url)
        alert = {"labels": {"alertname": "Down"}, "startsAt": (datetime.now(UTC) - timedelta(minutes=1)).isoformat()}
        assert httpx.post(f"{url}/api/v2/alerts", json=[alert]).status_code == 200
        firing = probed(EndpointKind.ALERTMANAGER, url)
        as_loki = probed(EndpointKind.LOKI, url)
    assert (quiet.status, quiet.message) == (EndpointStatus.OK, "0 active alerts")
    assert (firing.status, firing.message) == (EndpointStatus.OK, "1 active alert")
    assert quiet.version.startswith("0.")
    assert (as_loki.status, as_loki.hint) == (
        EndpointStatus.WRONG_SERVICE,
        "It answers as alertmanager does: register the address as that.",
    )


def prometheus(request: Request) -> bytes:
    path = urlsplit(request.target).path
    if path == "/api/v1/query":
        return reply('{"status":"success","data":{"resultType":"scalar","result":[1795261676.1,"1"]}}')
    if path == "/api/v1/status/buildinfo":
        return reply('{"status":"success","data":{"version":"0.36.1","revision":"x"}}')
    return NOT_FOUND


def test_a_proxy_that_grants_get_alone_is_told_from_one_that_grants_post_too() -> None:
    def script(request: Request, _: int) -> bytes:
        if request.method == "POST":
            return reply("Forbidden (user=x, verb=create, resource=prometheuses, subresource=api)\n", 403, "text/plain")
        return prometheus(request)

    with ByteServer(script) as server:
        seen = probed(EndpointKind.PROMETHEUS, server.url)
    assert seen.status is EndpointStatus.OK
    assert "by GET only" in seen.message
    assert "verb create" in seen.hint


def test_thanos_is_recognised() -> None:
    def script(request: Request, _: int) -> bytes:
        if urlsplit(request.target).path == "/api/v1/stores":
            return reply('{"status":"success","data":{"sidecar":[]}}')
        return prometheus(request)

    with ByteServer(script) as server:
        seen = probed(EndpointKind.PROMETHEUS, server.url)
    assert (seen.message, seen.version) == ("Thanos Query answers queries", "0.36.1")


def test_loki_is_asked_with_its_tenant() -> None:
    def script(request: Request, _: int) -> bytes:
        if "x-scope-orgid: shop\r\n" not in f"{request.head.lower()}\r\n":
            return NO_TENANT
        path = urlsplit(request.target).path
        return {"/loki/api/v1/query_range": NO_STREAMS, "/loki/api/v1/status/buildinfo": BUILD_INFO}.get(
            path, NOT_FOUND
        )

    with ByteServer(script) as server:
        without = probed(EndpointKind.LOKI, server.url)
        named = probed(EndpointKind.LOKI, server.url, tenant="shop")
    assert without.status is EndpointStatus.UNAUTHORIZED
    assert "several tenants" in without.message
    assert "tenant" in without.hint
    assert (named.status, named.version) == (EndpointStatus.OK, "3.8.0")


@pytest.mark.parametrize("path", ["", "/api/logs/v1"])
def test_the_gateways_tenants_are_asked_where_the_address_names_none(path: str) -> None:
    line = "/loki/api/v1/query_range"
    answers = {
        f"/api/logs/v1/application{line}": NO_STREAMS,
        f"/api/logs/v1/infrastructure{line}": NO_STREAMS,
        f"/api/logs/v1/audit{line}": NO_PERMISSION,
    }
    with serve(answers) as server:
        seen = probed(EndpointKind.LOKI, server.url + path)
    assert seen.status is EndpointStatus.OK
    assert seen.message == "OpenShift gateway: application, infrastructure, not audit (refused)"
    assert seen.latency_seconds is not None

    failing = {**answers, f"/api/logs/v1/audit{line}": reply("no ingester", 503, "text/plain")}
    with serve(failing) as server:
        seen = probed(EndpointKind.LOKI, server.url + path)
    assert (seen.status, seen.message) == (
        EndpointStatus.OK,
        "OpenShift gateway: application, infrastructure, not audit (failed)",
    )
    with serve({f"/api/logs/v1/application{line}": NO_STREAMS}) as server:
        seen = probed(EndpointKind.LOKI, server.url + path)
    assert "not infrastructure (no such tenant)" in seen.message

    refused = dict.fromkeys(answers, NO_PERMISSION)
    with serve(refused) as server:
        seen = probed(EndpointKind.LOKI, server.url + path)
    assert seen.status is EndpointStatus.FORBIDDEN
    assert "You don't have permission" in seen.message
    assert "cluster-logging-application-view" in seen.hint


def test_an_address_that_names_its_tenant_is_asked_below_it() -> None:
    with serve({"/api/logs/v1/application/loki/api/v1/query_range": NO_STREAMS}) as server:
        seen = probed(EndpointKind.LOKI, f"{server.url}/api/logs/v1/application")
        asked = parse_qs(urlsplit(server.requests[0].target).query)
    assert (seen.status, seen.message, seen.version) == (EndpointStatus.OK, "answers LogQL", "")
    assert asked["limit"] == ["1"]

    search = reply(json.dumps({"traces": [TRACE], "metrics": {"inspectedBytes": "1"}}))
    with serve({"/api/traces/v1/dev/tempo/api/search": search}) as server:
        seen = probed(EndpointKind.TEMPO, f"{server.url}/api/traces/v1/dev")
    assert (seen.status, seen.message) == (EndpointStatus.OK, "recent traces")


@pytest.mark.parametrize("answer", ['{"traces":[],"metrics":{"completedJobs":1}}', '{"metrics":{}}'])
def test_tempo_without_traces_is_sound(answer: str) -> None:
    with serve({"/api/search": reply(answer), "/api/status/buildinfo": BUILD_INFO}) as server:
        seen = probed(EndpointKind.TEMPO, server.url)
    assert (seen.status, seen.message, seen.version) == (EndpointStatus.OK, "no recent trace", "3.8.0")


def test_any_other_json_is_no_tempo() -> None:
    with serve({"/api/search": reply("{}")}) as server:
        assert probed(EndpointKind.TEMPO, server.url).status is EndpointStatus.WRONG_SERVICE


@pytest.mark.parametrize(
    ("answer", "message"),
    [('[{"name":"log","stores":[]},{"name":"alert"}]', "domains: alert, log"), ("null", "no domains")],
)
def test_korrel8r_names_its_domains(answer: str, message: str) -> None:
    with serve({"/api/v1alpha1/domains": reply(answer)}) as server:
        seen = probed(EndpointKind.KORREL8R, server.url)
    assert (seen.status, seen.message) == (EndpointStatus.OK, message)
