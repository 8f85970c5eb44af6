"""The Tempo collector: traces by TraceQL or tags, whole, as span frames; services and who calls whom."""

from fleet.collectors.tempo.client import TempoClient
from fleet.collectors.tempo.collect import TraceReading, TraceRequest, collect_traces
from fleet.collectors.tempo.limits import TempoLimits

__all__ = ["TempoClient", "TempoLimits", "TraceReading", "TraceRequest", "collect_traces"]
