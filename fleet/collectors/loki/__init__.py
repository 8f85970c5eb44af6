"""Loki as a source: LogQL from typed parts, lines page by page, live tail, one query over several clusters."""

from fleet.collectors.loki.client import Direction, LokiClient
from fleet.collectors.loki.collect import LogReading, LogRequest, collect_logs
from fleet.collectors.loki.limits import LokiLimits
from fleet.collectors.loki.logql import LogQuery, WrittenQuery

__all__ = [
    "Direction",
    "LogQuery",
    "LogReading",
    "LogRequest",
    "LokiClient",
    "LokiLimits",
    "WrittenQuery",
    "collect_logs",
]
