"""The collector against a real Prometheus, over TLS with basic auth and with client certificates."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from fleet.collectors.prometheus import PrometheusClient, PrometheusLimits, collect_pack
from fleet.collectors.transport import TransportLimits
from fleet.credentials import Credential
from fleet.errors import QueryRefused, TlsFailed, Unauthorized, Unreachable, WrongService
from fleet.frames.coverage import CoverageStatus
from fleet.frames.frame import concatenate
from fleet.frames.pack import QueryPack
from fleet.frames.pack_file import default_pack
from fleet.frames.window import CHUNK, Window
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.prometheus.certificates import Authority, KeyPair
from tests.fleet.collectors.prometheus.conftest import DAY, GAP, NODES
from tests.fleet.collectors.prometheus.packs import pack_of
from tests.fleet.collectors.prometheus.real_prometheus import PASSWORD, RealPrometheus

HOUR = Window(start=DAY.start + timedelta(hours=1), end=DAY.start + timedelta(hours=2))


class Fixed:
    """A credential source that never changes."""

    def __init__(self, credential: Credential | None) -> None:
        self._credential = credential

    def credential(self, *, refresh: bool = False) -> Credential | None:
        return self._credential


BASIC = Fixed(Credential(username="scan", password=SecretStr(PASSWORD)))


@pytest.fixture
def endpoint(prometheus: RealPrometheus, authority: Authority) -> Endpoint:
    return Endpoint(url=prometheus.url, ca_pem=authority.pem)


@pytest.fixture
def client(endpoint: Endpoint) -> Iterator[PrometheusClient]:
    with PrometheusClient(endpoint, BASIC) as each:
        yield each


def asked_plainly(endpoint: Endpoint, promql: str, window: Window, step: int) -> dict[str, np.ndarray]:
    """The same range by urllib and json, as rows by instance."""
    form = {"query": promql, "start": window.start.timestamp(), "end": window.end.timestamp() - 1, "step": step}
    request = urllib.request.Request(  # noqa: S310
        f"{endpoint.url}/api/v1/query_range",
        data=urllib.parse.urlencode(form).encode(),
        headers={"Authorization": "Basic " + base64.b64encode(f"scan:{PASSWORD}".encode()).decode()},
    )
    context = ssl.create_default_context(cadata=endpoint.ca_pem)
    with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310
        result = json.load(answer)["data"]["result"]
    rows = {}
    for series in result:
        row = np.full(window.points(step), np.nan, dtype=np.float32)
        for at, value in series["values"]:
            row[round((at - window.start.timestamp()) / step)] = np.float32(float(value))
        rows[series["metric"].get("instance", "")] = row
    return rows


@pytest.mark.parametrize(
    ("promql", "step"), [("load", 30), ("rate(requests_total[5m])", 60), ("sum(load)", 30), ("vector(1)", 15)]
)
def test_ranges_are_what_json_says(client: PrometheusClient, endpoint: Endpoint, promql: str, step: int) -> None:
    answer = client.query_range(promql, DAY, step)
    expected = asked_plainly(endpoint, promql, DAY, step)
    assert len(answer.series) == len(expected)
    for labels, row in zip(answer.series, answer.values, strict=True):
        assert np.array_equal(row, expected[dict(labels).get("instance", "")], equal_nan=True)


def test_gaps_nan_and_infinity(client: PrometheusClient) -> None:
    answer = client.query_range("load", DAY, 30)
    rows = {dict(labels)["instance"]: row for labels, row in zip(answer.series, answer.values, strict=True)}
    first = round((GAP[0] - DAY.start).total_seconds() / 30)
    last = round((GAP[1] - DAY.start).total_seconds() / 30)
    # Prometheus looks back five minutes; after that the gap shows until the next sample.
    assert np.isnan(rows["node-0"][first + 10 : last]).all()
    assert not np.isnan(rows["node-0"][[first + 9, last]]).any()
    assert np.isnan(rows["node-1"][0])
    assert np.isposinf(rows["node-2"][0])
    assert np.isfinite(rows["node-3"]).all()


def test_ranges_beyond_the_servers_limit_are_split(client: PrometheusClient) -> None:
    assert DAY.points(1) > 11_000
    whole = client.query_range("load", DAY, 1)
    assert whole.values.shape == (NODES, DAY.points(1))
    assert not np.isnan(whole.values[3]).any()
    assert np.array_equal(whole.values[3, ::30], client.query_range("load{instance='node-3'}", DAY, 30).values[0])


def test_splits_join_series_that_begin_late(endpoint: Endpoint) -> None:
    with PrometheusClient(endpoint, BASIC, PrometheusLimits(range_points=100)) as split:
        parts = split.query_range("load or late", DAY, 30)
    with PrometheusClient(endpoint, BASIC) as client:
        whole = client.query_range("load or late", DAY, 30)
    order = [parts.series.index(labels) for labels in whole.series]
    assert sorted(parts.series) == sorted(whole.series)
    assert np.array_equal(parts.values[order], whole.values, equal_nan=True)


def test_instant_queries_of_every_kind(client: PrometheusClient) -> None:
    at = DAY.start + timedelta(hours=1, seconds=7)
    vector = client.query("load", at)
    assert [sample.at for sample in vector.samples] == [at] * NODES
    assert client.query("1/0", at).samples[0].value == float("inf")
    assert np.isnan(client.query("vector(0)/0", at).samples[0].value)
    raw = client.query('load{instance="node-3"}[1m]', at)
    assert [sample.at.second for sample in raw.samples] == [30, 0]
    assert client.query("nothing_here", at).samples == []
    with pytest.raises(WrongService, match="string"):
        client.query('"text"', at)


def test_metadata_endpoints(client: PrometheusClient) -> None:
    assert client.label_values("instance", DAY)[0] == [f"node-{node}" for node in range(NODES)]
    assert "instance" in client.labels(DAY)
    assert len(client.series(["load", "late"], DAY)) == NODES + 1
    assert client.version()
    assert client.metadata() == {}


def test_refusals_carry_the_servers_words(client: PrometheusClient) -> None:
    with pytest.raises(QueryRefused, match="unclosed left parenthesis"):
        client.query_range("sum(load", HOUR, 30)
    with pytest.raises(QueryRefused, match="many-to-many"):
        client.query_range("load / on(job) group_left() load", HOUR, 30)


PACK = pack_of(
    ("load", "load", ["load"]),
    ("rates", "rate(requests_total[5m])", ["requests_total"]),
    ("nothing", "sum(nothing_here)", ["nothing_here"]),
    ("empty", 'load{instance="nowhere"}', ["load"]),
    ("late", "late", ["late"]),
)


def test_a_pack_comes_in_chunks_with_coverage(client: PrometheusClient, endpoint: Endpoint) -> None:
    got = list(collect_pack(client, "c1", PACK, [DAY], 30, CHUNK))
    assert [window for window, _, _ in got] == list(DAY.chunks(CHUNK))
    for window, frame, coverage in got:
        assert (frame.window, coverage.window) == (window, window)
        assert coverage.status is CoverageStatus.OK
        assert (coverage.cluster_id, coverage.signal, coverage.collector) == ("c1", "metrics", "prometheus")
        assert (coverage.endpoint, coverage.pack_hash) == (endpoint.url, PACK.content_hash)
        statuses = {query.query_id: query.status for query in coverage.queries}
        assert statuses == {
            "load": CoverageStatus.OK,
            "rates": CoverageStatus.OK,
            "nothing": CoverageStatus.ABSENT,
            "empty": CoverageStatus.OK,
            "late": CoverageStatus.OK,
        }
    series = [{query.query_id: query.series for query in coverage.queries}["late"] for _, _, coverage in got]
    assert series == [0, 0, 0, 0, 0, 1]
    assert "nothing_here" in got[0][2].queries[2].reason
    whole = concatenate([frame for _, frame, _ in got], DAY, 30)
    expected = asked_plainly(endpoint, "load", DAY, 30)
    rows = whole.rows_of("load")
    assert len(rows) == NODES
    for row in rows:
        assert np.array_equal(whole.values[row], expected[whole.keys[row].label("instance") or ""], equal_nan=True)


def test_windows_apart_and_off_the_hour(client: PrometheusClient) -> None:
    first = Window(start=DAY.start + timedelta(minutes=50, seconds=7), end=DAY.start + timedelta(hours=1, minutes=10))
    second = Window(start=DAY.start + timedelta(hours=3), end=DAY.start + timedelta(hours=4))
    got = list(collect_pack(client, "c1", PACK, [second, first], 30, CHUNK))
    assert [window for window, _, _ in got] == [*first.chunks(CHUNK), second]
    for window, frame, coverage in got:
        assert frame.start == window.start
        assert frame.points == window.points(30)
        assert coverage.status is CoverageStatus.OK
        assert len(frame.rows_of("load")) == NODES


@pytest.mark.parametrize(
    "limits",
    [
        PrometheusLimits(transport=TransportLimits(answer_bytes=30_000)),
        PrometheusLimits(span_bytes=40_000),
        PrometheusLimits(span_points=130),
        PrometheusLimits(transport=TransportLimits(compress=True)),
    ],
    ids=["answers too large for one", "samples too many for one span", "short spans", "compressed"],
)
def test_bounds_change_the_requests_and_not_the_result(
    client: PrometheusClient, endpoint: Endpoint, limits: PrometheusLimits
) -> None:
    whole = concatenate((frame for _, frame, _ in collect_pack(client, "c1", PACK, [DAY], 30, CHUNK)), DAY, 30)
    with PrometheusClient(endpoint, BASIC, limits) as bounded:
        got = list(collect_pack(bounded, "c1", PACK, [DAY], 30, CHUNK))
    assert all(coverage.status is CoverageStatus.OK for _, _, coverage in got)
    frame = concatenate((frame for _, frame, _ in got), DAY, 30)
    order = [frame.keys.index(key) for key in whole.keys]
    assert np.array_equal(frame.values[order], whole.values, equal_nan=True)


def test_answers_too_large_at_any_length_are_unknown(endpoint: Endpoint) -> None:
    limits = PrometheusLimits(transport=TransportLimits(answer_bytes=5_000))
    pack = pack_of(("load", "load", ["load"]), ("total", "sum(load)", ["load"]))
    with PrometheusClient(endpoint, BASIC, limits) as bounded:
        _, frame, coverage = next(iter(collect_pack(bounded, "c1", pack, [HOUR], 30, CHUNK)))
    statuses = {query.query_id: query.status for query in coverage.queries}
    assert statuses == {"load": CoverageStatus.UNKNOWN, "total": CoverageStatus.OK}
    assert (coverage.status, coverage.error) == (CoverageStatus.PARTIAL, "AnswerTooLarge")
    assert [key.query_id for key in frame.keys] == ["total"]


def test_one_broken_query_leaves_the_others_whole(client: PrometheusClient) -> None:
    pack = pack_of(("load", "load", ["load"]), ("broken", "sum(load", ["load"]))
    _, frame, coverage = next(iter(collect_pack(client, "c1", pack, [HOUR], 30, CHUNK)))
    assert coverage.status is CoverageStatus.PARTIAL
    assert coverage.error == "QueryRefused"
    assert "1 of 2 queries" in coverage.reason
    assert "unclosed left parenthesis" in coverage.queries[1].reason
    assert len(frame.keys) == NODES


def test_a_server_without_any_of_the_metrics_is_absent(client: PrometheusClient) -> None:
    _, frame, coverage = next(iter(collect_pack(client, "c1", default_pack(), [HOUR], 30, CHUNK)))
    assert coverage.status is CoverageStatus.ABSENT
    assert frame.keys == []
    assert frame.points == 120


def _only_coverage(client: PrometheusClient, pack: QueryPack = PACK) -> tuple[CoverageStatus, str, str]:
    _, _, coverage = next(iter(collect_pack(client, "c1", pack, [HOUR], 30, CHUNK)))
    assert {query.status for query in coverage.queries} == {coverage.status}
    return coverage.status, coverage.error, coverage.reason


def test_wrong_password_and_none(endpoint: Endpoint) -> None:
    wrong = Fixed(Credential(username="scan", password=SecretStr("not-the-password")))
    for source in (wrong, None):
        with PrometheusClient(endpoint, source) as client:
            status, error, reason = _only_coverage(client)
        assert (status, error) == (CoverageStatus.UNKNOWN, "Unauthorized")
        assert "credential" in reason
        assert "not-the-password" not in reason


def test_tls_faults_are_told_apart(prometheus: RealPrometheus, authority: Authority) -> None:
    cases = {
        Endpoint(url=prometheus.url): "self-signed|not known here",
        Endpoint(url=prometheus.url, ca_pem=Authority("another").pem): "not known here",
        Endpoint(url=prometheus.url.replace("127.0.0.1", "localhost"), ca_pem=authority.pem): "another name",
        Endpoint(url=prometheus.url, ca_pem="no certificate"): "no PEM",
    }
    for endpoint, words in cases.items():
        with PrometheusClient(endpoint, BASIC) as client, pytest.raises(TlsFailed, match=words):
            client.query("1", DAY.start)
    plain = Endpoint(url=prometheus.url.replace("https", "http"))
    with PrometheusClient(plain, BASIC) as client, pytest.raises(WrongService, match=r"speaks TLS.*https"):
        client.query("1", DAY.start)


def test_verification_can_be_switched_off(prometheus: RealPrometheus) -> None:
    with PrometheusClient(Endpoint(url=prometheus.url, verify_tls=False), BASIC) as client:
        assert client.query("vector(2)", DAY.start).samples[0].value == 2


def test_client_certificates(blocks: Path, tmp_path: Path, server_pair: KeyPair, authority: Authority) -> None:
    clients = Authority("clients")
    good, stranger = clients.issue(), Authority("strangers").issue()
    shutil.copytree(blocks, tmp_path / "data")
    server = RealPrometheus(
        tmp_path, certificate=(server_pair.certificate, server_pair.key), client_authority=clients.pem
    )
    with server:
        endpoint = Endpoint(url=server.url, ca_pem=authority.pem)
        with PrometheusClient(endpoint, Fixed(_certificate(good, good))) as client:
            assert client.query("count(load)", DAY.start + timedelta(hours=1)).samples[0].value == NODES
        with (
            PrometheusClient(endpoint) as client,
            pytest.raises(TlsFailed, match=r"asks for a client certificate|did not accept"),
        ):
            client.query("1", DAY.start)
        with PrometheusClient(endpoint, Fixed(_certificate(stranger, stranger))) as client, pytest.raises(TlsFailed):
            client.query("1", DAY.start)
        with PrometheusClient(endpoint, Fixed(_certificate(good, stranger))) as client:
            with pytest.raises(TlsFailed, match="no matching") as caught:
                client.query("1", DAY.start)
            assert stranger.key[40:80] not in str(caught.value)


def _certificate(certificate: KeyPair, key: KeyPair) -> Credential:
    return Credential(client_cert_pem=certificate.certificate, client_key_pem=SecretStr(key.key))


def test_a_restart_between_and_within_collections(blocks: Path, tmp_path: Path) -> None:
    shutil.copytree(blocks, tmp_path / "data")
    limits = PrometheusLimits(span_points=120, transport=TransportLimits(attempts=2))
    with RealPrometheus(tmp_path) as server, PrometheusClient(Endpoint(url=server.url), None, limits) as client:
        collecting = collect_pack(client, "c1", PACK, [DAY], 30, CHUNK)
        assert next(collecting)[2].status is CoverageStatus.OK
        server.stop()
        rest = list(collecting)
        assert len(rest) == 5
        for _, frame, coverage in rest:
            assert (coverage.status, coverage.error) == (CoverageStatus.UNKNOWN, "Unreachable")
            assert frame.keys == []
        with pytest.raises(Unreachable, match="connection refused"):
            client.query("1", DAY.start)
        server.start()
        again = list(collect_pack(client, "c1", PACK, [DAY], 30, CHUNK))
        assert [coverage.status for _, _, coverage in again] == [CoverageStatus.OK] * 6


def test_giving_up_a_collection_ends_its_threads(client: PrometheusClient) -> None:
    collecting = collect_pack(client, "c1", PACK, [DAY], 30, CHUNK)
    next(collecting)
    collecting.close()  # type: ignore[attr-defined]
    assert client.query("vector(1)", datetime.now(UTC)).samples[0].value == 1


def test_a_wrong_token_is_unauthorized(endpoint: Endpoint) -> None:
    source = Fixed(Credential(token=SecretStr("wrong")))
    with PrometheusClient(endpoint, source) as client, pytest.raises(Unauthorized):
        client.query("1", DAY.start)
