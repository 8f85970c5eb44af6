"""The Prometheus collector: any server with Prometheus's query API (Prometheus, Thanos, OpenShift's thanos-querier)."""

from fleet.collectors.prometheus.answers import InstantAnswer, InstantSample, RangeAnswer
from fleet.collectors.prometheus.client import PrometheusClient
from fleet.collectors.prometheus.collect import collect_pack
from fleet.collectors.prometheus.limits import PrometheusLimits
from fleet.collectors.prometheus.rules import collect_rules

__all__ = [
    "InstantAnswer",
    "InstantSample",
    "PrometheusClient",
    "PrometheusLimits",
    "RangeAnswer",
    "collect_pack",
    "collect_rules",
]
