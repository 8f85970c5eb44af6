"""Rules, exemplars and metadata of a real Prometheus; the cluster health analyzer's groups by its own metrics."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleet.collectors.prometheus import PrometheusClient
from fleet.collectors.prometheus.exemplars import exemplars_of
from fleet.collectors.prometheus.health_groups import health_groups
from fleet.collectors.prometheus.rules import collect_rules, rules_of
from fleet.collectors.prometheus.units import unit_of, units_of
from fleet.frames.alerts import AlertRule, AlertState, HealthSeverity, RuleHealth
from fleet.frames.coverage import CoverageStatus
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Request, reply, wait_until
from tests.fleet.collectors.prometheus.real_prometheus import INSTALLED, RealPrometheus

WINDOW = Window(start=datetime(2026, 2, 1, tzinfo=UTC), end=datetime(2026, 2, 1, 1, tzinfo=UTC))
CONFIGURATION = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
- {job_name: self, static_configs: [{targets: ['127.0.0.1:%d']}]}
- {job_name: dead, static_configs: [{targets: ['127.0.0.1:1']}]}
"""
RULES = """
groups:
- name: demo
  interval: 1s
  rules:
  - {record: 'job:up:sum', expr: 'sum by (job) (up)'}
  - alert: TargetDown
    expr: up == 0
    labels: {severity: warning}
    annotations: {summary: '{{ $labels.job }} is down'}
  - {alert: Waiting, expr: 'vector(1) == 1', for: 1h, keep_firing_for: 5m}
  - {alert: Silent, expr: 'vector(0) == 1'}
  - {alert: Broken, expr: 'up * on () group_left () up'}
- name: analyzer
  interval: 1s
  rules:
  - record: cluster_health_components
    expr: vector(20)
    labels: {layer: core, component: etcd}
  - record: cluster_health_components_map
    expr: vector(1)
    labels: {type: alert, src_alertname: TargetDown, src_namespace: mon, src_severity: warning, layer: core,
             component: monitoring, group_id: g-1, silenced: 'true'}
  - record: cluster_health_components_map
    expr: vector(2)
    labels: {type: alert, src_alertname: EtcdDown, layer: core, component: etcd, group_id: g-1, silenced: 'false'}
  - record: cluster_health_components_map
    expr: vector(0)
    labels: {type: alert, src_alertname: Watchdog, layer: Others, component: Others, group_id: g-2, silenced: 'false'}
"""


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusClient]:
    if not INSTALLED:
        pytest.skip("prometheus (Debian package prometheus) is not installed")
    home: Path = tmp_path_factory.mktemp("ruled")
    (home / "rules.yml").write_text(RULES, encoding="utf-8")
    server = RealPrometheus(home, configuration=CONFIGURATION)
    (home / "prometheus.yml").write_text(CONFIGURATION % server.port, encoding="utf-8")
    with server, PrometheusClient(Endpoint(url=server.url)) as client:
        wait_until(lambda: _evaluated(client), 60)
        yield client


def _evaluated(client: PrometheusClient) -> bool:
    frame, _ = collect_rules(client, "c1", WINDOW)
    healthy = [rule.health for rule in (*frame.alert_rules, *frame.recording_rules)]
    firing = {rule.name for rule in frame.alert_rules if rule.state is AlertState.FIRING}
    # Until both targets were scraped once, "Broken" is not.
    settled = "TargetDown" in firing and [rule.name for rule in frame.broken] == ["Broken"]
    return settled and RuleHealth.UNKNOWN not in healthy and len(frame.health_groups) == 2


def test_rules_their_alerts_and_their_health(ruled: PrometheusClient) -> None:
    frame, coverage = collect_rules(ruled, "c1", WINDOW)
    assert (coverage.status, coverage.reason, coverage.signal) == (CoverageStatus.OK, "", "alerts")
    rules = {rule.name: rule for rule in frame.alert_rules}
    assert {name: rule.state for name, rule in rules.items() if name != "Broken"} == {
        "TargetDown": AlertState.FIRING,
        "Waiting": AlertState.PENDING,
        "Silent": AlertState.INACTIVE,
    }
    down = rules["TargetDown"]
    assert (down.group, down.health, down.query, down.interval_seconds) == ("demo", RuleHealth.OK, "up == 0", 1.0)
    [alert] = down.alerts
    assert (alert.name, alert.state, alert.value) == ("TargetDown", AlertState.FIRING, 0.0)
    assert (alert.labels["job"], alert.annotations) == ("dead", {"summary": "dead is down"})
    assert alert.starts_at is not None
    assert abs(datetime.now(UTC) - alert.starts_at) < timedelta(minutes=2)
    assert (rules["Waiting"].for_seconds, rules["Waiting"].keep_firing_seconds) == (3600.0, 300.0)
    assert [rule.name for rule in frame.broken] == ["Broken"]
    assert "many-to-many" in frame.broken[0].last_error or "duplicate" in frame.broken[0].last_error
    assert {rule.name for rule in frame.recording_rules} == {
        "job:up:sum",
        "cluster_health_components",
        "cluster_health_components_map",
    }


def test_groups_of_the_cluster_health_analyzer(ruled: PrometheusClient) -> None:
    frame, _ = collect_rules(ruled, "c1", WINDOW)
    worst, other = frame.health_groups
    assert (worst.id, worst.severity) == ("g-1", HealthSeverity.CRITICAL)
    assert (other.id, other.severity) == ("g-2", HealthSeverity.INFO)
    etcd, target = worst.sources
    assert (etcd.labels, etcd.component, etcd.silenced) == ({"alertname": "EtcdDown"}, "etcd", False)
    assert (target.labels["namespace"], target.kind, target.layer, target.silenced) == ("mon", "alert", "core", True)


def test_what_two_pods_of_the_analyzer_tell_is_one_source() -> None:
    common = {"type": "alert", "src_alertname": "EtcdDown", "layer": "core", "component": "etcd", "group_id": "g-1"}
    result = [
        {"metric": {**common, "pod": "a", "silenced": "true"}, "value": [1769904000, "1"]},
        {"metric": {**common, "pod": "b", "silenced": "false"}, "value": [1769904000, "2"]},
    ]
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})
    with ByteServer(lambda _, __: reply(body)) as server, PrometheusClient(Endpoint(url=server.url)) as client:
        groups, reasons = health_groups(client, WINDOW.end)
    assert groups is not None
    [group], [source] = groups, groups[0].sources
    assert (group.severity, source.severity, source.silenced) == (
        HealthSeverity.CRITICAL,
        HealthSeverity.CRITICAL,
        False,
    )
    assert (source.labels, reasons) == ({"alertname": "EtcdDown"}, [])


def test_no_analyzer_is_absent_and_an_idle_one_is_not(ruled: PrometheusClient) -> None:
    before = datetime.now(UTC) - timedelta(days=2)
    assert health_groups(ruled, before) == (None, [])

    def idle(request: Request, _: int) -> bytes:
        result = '{"metric":{"layer":"core","component":"etcd"},"value":[1769904000,"20"]}'
        found = "" if "components_map" in request.body else result
        return reply('{"status":"success","data":{"resultType":"vector","result":[' + found + "]}}")

    with ByteServer(idle) as server, PrometheusClient(Endpoint(url=server.url)) as client:
        assert health_groups(client, before) == ([], [])


def test_rules_that_a_store_of_thanos_did_not_tell_are_partial() -> None:
    def script(request: Request, _: int) -> bytes:
        if "/rules" in request.target:
            return reply('{"status":"success","data":{"groups":[]},"warnings":["no rules from store x"]}')
        return reply('{"status":"success","data":{"resultType":"vector","result":[]}}')

    with ByteServer(script) as server, PrometheusClient(Endpoint(url=server.url)) as client:
        _, coverage = collect_rules(client, "c1", WINDOW)
    assert (coverage.status, coverage.reason) == (CoverageStatus.PARTIAL, "no rules from store x")
    assert [each.status for each in coverage.queries] == [CoverageStatus.PARTIAL, CoverageStatus.ABSENT]


@pytest.fixture
def _new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine's own time is not UTC."""
    with monkeypatch.context() as environment:
        environment.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("value", "active_at", "seen"),
    [
        ("1e+00", "2026-02-01T00:00:00.702306643Z", (1.0, datetime(2026, 2, 1, 0, 0, 0, 702307, tzinfo=UTC))),
        ("+Inf", "2026-02-01T02:00:00+02:00", (None, datetime(2026, 2, 1, tzinfo=UTC))),
        ("NaN", "0001-01-01T00:00:00+05:00", (None, None)),
        ("odd", "9999-12-31T23:00:00-05:00", (None, datetime(9999, 12, 31, 23, tzinfo=UTC))),
        ("0e+00", "2026-02-01T00:00:00", (0.0, datetime(2026, 2, 1, tzinfo=UTC))),
    ],
)
@pytest.mark.usefixtures("_new_york")
def test_numbers_and_times_of_alerts(value: str, active_at: str, seen: tuple[float | None, datetime | None]) -> None:
    alert = {"labels": {"alertname": "Down"}, "annotations": {}, "state": "firing", "value": value}
    rule = {"name": "Down", "query": "up == 0", "type": "alerting", "alerts": [{**alert, "activeAt": active_at}]}
    document = {"status": "success", "data": {"groups": [{"name": "g", "rules": [rule]}]}}
    with (
        ByteServer(lambda _, __: reply(json.dumps(document))) as server,
        PrometheusClient(Endpoint(url=server.url)) as client,
    ):
        [found], _, _ = rules_of(client)
    assert [(each.value, each.starts_at) for each in found.alerts] == [seen]
    assert AlertRule.model_validate_json(found.model_dump_json()) == found


def test_a_server_without_rules_is_unknown() -> None:
    with (
        ByteServer(lambda _, __: reply("404 page not found\n", 404, "text/plain")) as server,
        PrometheusClient(Endpoint(url=server.url)) as client,
    ):
        frame, coverage = collect_rules(client, "c1", WINDOW)
    assert frame.alert_rules == []
    assert (coverage.status, coverage.error) == (CoverageStatus.UNKNOWN, "WrongService")


def test_exemplars() -> None:
    body = (
        '{"status":"success","data":[{"seriesLabels":{"__name__":"h_bucket","job":"a"},"exemplars":['
        '{"labels":{"trace_id":"0af7"},"value":"6.5","timestamp":1600096945.479},'
        '{"labels":{"traceID":"0af8"},"value":"19","timestamp":1600096944},'
        '{"labels":{},"value":"1","timestamp":1e300},{"labels":{},"value":"x","timestamp":1600096944}]}]}'
    )
    with ByteServer(lambda _, __: reply(body)) as server, PrometheusClient(Endpoint(url=server.url)) as client:
        found, _ = exemplars_of(client, "h_bucket", WINDOW)
        assert "/api/v1/query_exemplars?query=h_bucket&start=1769904000.000" in server.requests[0].target
    assert [(each.trace_id, each.value) for each in found] == [("0af8", 19.0), ("0af7", 6.5)]
    assert dict(found[0].series)["job"] == "a"
    assert found[1].at == datetime(2020, 9, 14, 15, 22, 25, 479000, tzinfo=UTC)


def test_a_real_server_answers_for_exemplars_and_units(ruled: PrometheusClient) -> None:
    now = datetime.now(UTC)
    found, _ = exemplars_of(ruled, "up", Window.before(now, timedelta(hours=1)))
    assert found == []
    wait_until(lambda: "process_cpu_seconds_total" in ruled.metadata(), 30)
    units = units_of(ruled)
    assert units["process_cpu_seconds_total"] == "seconds"
    assert units["process_resident_memory_bytes"] == "bytes"
    assert "prometheus_build_info" not in units


@pytest.mark.parametrize(
    ("name", "declared", "unit"),
    [
        ("http_request_duration_seconds_sum", [], "seconds"),
        ("http_request_duration_seconds_count", [{"unit": "seconds"}], ""),
        ("http_request_duration_seconds_bucket", [], ""),
        ("node_network_receive_bytes_total", [], "bytes"),
        ("container_memory_max_usage_bytes", [], "bytes"),
        ("up", [], ""),
        ("odd", [{"unit": "watts"}, {"unit": ""}], "watts"),
        ("odd_seconds", [{"unit": "watts"}, {"unit": "volts"}], ""),
    ],
)
def test_units(name: str, declared: list[dict[str, str]], unit: str) -> None:
    assert unit_of(name, declared) == unit
