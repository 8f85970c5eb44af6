"""Our Prometheus collector on a Prometheus or a Thanos: whatever it holds, answers keep their form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fleet.collectors.prometheus import PrometheusClient, collect_pack, collect_rules
from fleet.collectors.prometheus.exemplars import exemplars_of
from fleet.collectors.prometheus.units import units_of
from fleet.credentials import GivenCredential
from fleet.errors import Forbidden, QueryRefused, Unauthorized, WrongService
from fleet.frames.alerts import AlertState
from fleet.frames.coverage import CoverageStatus
from fleet.frames.pack_file import default_pack
from fleet.frames.window import CHUNK, Window
from fleet.inventory.cluster import Endpoint
from tests.contracts.sources import Source

STEP_SECONDS = 30
PACK = default_pack()


@pytest.fixture(scope="module")
def hour() -> Window:
    """The last whole hour."""
    end = (datetime.now(UTC) - timedelta(minutes=2)).replace(minute=0, second=0, microsecond=0)
    return Window(start=end - timedelta(hours=1), end=end)


@pytest.fixture
def client(contract_prometheus: Source) -> Iterator[PrometheusClient]:
    with PrometheusClient(contract_prometheus.endpoint, contract_prometheus.credentials) as opened:
        yield opened


def test_the_whole_pack_can_be_asked(client: PrometheusClient, hour: Window) -> None:
    [(window, frame, coverage)] = collect_pack(client, "contract", PACK, [hour], STEP_SECONDS, CHUNK)
    assert (window, frame.start, frame.points) == (hour, hour.start, hour.points(STEP_SECONDS))
    assert [each.query_id for each in coverage.queries] == [query.id for query in PACK.queries]
    assert [each for each in coverage.queries if each.status is CoverageStatus.UNKNOWN] == []
    answered = {each.query_id for each in coverage.queries if each.series}
    assert {key.query_id for key in frame.keys} == answered
    assert frame.values.shape == (len(frame.keys), frame.points)
    assert frame.values.dtype == np.float32
    absent = {each.query_id for each in coverage.queries if each.status is CoverageStatus.ABSENT}
    assert not answered & absent


def test_a_range_beyond_the_servers_limit_is_asked_in_parts(client: PrometheusClient, hour: Window) -> None:
    fortnight = Window(start=hour.end - timedelta(days=14), end=hour.end)
    query = next(each for each in PACK.queries if each.id == "node_ready")
    answer = client.query_range(query.promql, fortnight, 60)
    assert answer.values.shape == (len(answer.series), fortnight.points(60))


def test_a_query_that_is_none_is_refused(client: PrometheusClient, hour: Window) -> None:
    with pytest.raises(QueryRefused):
        client.query("sum(up", hour.end)


def test_labels_and_series_fit_together(client: PrometheusClient, hour: Window) -> None:
    metrics, _ = client.label_values("__name__", hour)
    # Alerts come and go within an hour.
    metric = next((each for each in metrics if not each.startswith("ALERTS")), None)
    if metric is None:
        pytest.skip("the server has no series in the last hour")
    series = client.series([metric], hour)
    assert {dict(labels)["__name__"] for labels in series} == {metric}
    assert {name for labels in series for name, _ in labels} <= set(client.labels(hour)) | {"__name__"}


def test_rules_and_their_alerts(client: PrometheusClient, hour: Window) -> None:
    frame, coverage = collect_rules(client, "contract", hour)
    assert coverage.status in {CoverageStatus.OK, CoverageStatus.PARTIAL}, coverage.reason
    assert [each.query_id for each in coverage.queries] == ["rules", "health_groups"]
    for rule in frame.alert_rules:
        assert rule.name
        assert rule.query
        firing = {alert.state for alert in rule.alerts}
        assert firing <= {AlertState.PENDING, AlertState.FIRING, AlertState.INACTIVE}
        assert all(alert.labels["alertname"] == rule.name for alert in rule.alerts)


def test_exemplars_and_units_are_answered(client: PrometheusClient, hour: Window) -> None:
    found, _ = exemplars_of(client, "up", hour)
    assert all(hour.contains(each.at) for each in found)
    assert all(units_of(client).values())


def test_another_path_is_another_service(contract_prometheus: Source, hour: Window) -> None:
    elsewhere = Endpoint.model_validate(
        {**contract_prometheus.endpoint.model_dump(), "url": f"{contract_prometheus.endpoint.url}/nowhere"}
    )
    with (
        PrometheusClient(elsewhere, contract_prometheus.credentials) as client,
        pytest.raises(WrongService),
    ):
        client.query("up", hour.end)


def test_without_a_credential_it_says_nothing(contract_prometheus: Source, hour: Window) -> None:
    if contract_prometheus.credentials.given is None:
        pytest.skip("the server asks for no credential")
    # An OpenShift of old shows a page to sign in.
    with (
        PrometheusClient(contract_prometheus.endpoint, GivenCredential(None)) as client,
        pytest.raises((Unauthorized, Forbidden, WrongService)),
    ):
        client.query("up", hour.end)
