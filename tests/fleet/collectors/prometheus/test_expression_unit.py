"""Of which expressions the unit is known."""

from __future__ import annotations

import pytest

from fleet.collectors.prometheus import PrometheusClient
from fleet.collectors.prometheus.expression_unit import metric_of, unit_of_expression
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Request, reply


@pytest.mark.parametrize(
    ("promql", "metric"),
    [
        ("up", ("up", False)),
        ('node_memory_MemAvailable_bytes{a="x / y"}', ("node_memory_MemAvailable_bytes", False)),
        ('sum by (pod) (rate(cpu_seconds_total{image!=""}[5m]))', ("cpu_seconds_total", True)),
        ("histogram_quantile(0.9, sum by (le) (rate(a_seconds_bucket[5m])))", ("a_seconds_bucket", True)),
        ("topk(5, used_bytes offset 5m) # a / b", ("used_bytes", False)),
        ("max_over_time(a_seconds[1h:5m] @ end())", ("a_seconds", False)),
        ("a_bytes / b_bytes", ("", False)),
        ("a_bytes * 2", ("", False)),
        ("a_bytes and b_bytes", ("", False)),
        ("count(up)", ("", False)),
        ("sum(rate(a_seconds_bucket[5m]))", ("", False)),
        ('{__name__="x"}', ("", False)),
    ],
)
def test_the_metric_whose_unit_a_value_has(promql: str, metric: tuple[str, bool]) -> None:
    assert metric_of(promql) == metric


def test_what_is_declared_goes_before_the_name() -> None:
    def script(request: Request, _: int) -> bytes:
        declared = '{"own":[{"type":"gauge","help":"","unit":"watts"}]}' if "metric=own" in request.target else "{}"
        return reply(f'{{"status":"success","data":{declared}}}')

    with ByteServer(script) as server, PrometheusClient(Endpoint(url=server.url)) as client:
        assert unit_of_expression(client, "max(own)") == "watts"
        assert unit_of_expression(client, "rate(sent_bytes_total[5m])") == "bytes/s"
        assert unit_of_expression(client, "histogram_quantile(0.9, rate(a_seconds_bucket[5m]))") == "seconds"
        assert unit_of_expression(client, "up") == ""
    with PrometheusClient(Endpoint(url=server.url)) as client:
        assert unit_of_expression(client, "used_bytes") == "bytes"
