"""Units of metrics: what their exporters declare, and where they declare nothing what the name says.

Names: the conventions of prometheus.io and of OpenMetrics, by which a metric's name ends with its base unit, a
counter's ``_total`` behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fleet.collectors.prometheus.client import PrometheusClient

_SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_created", "_info", "_max", "_min", "_avg")
_UNITS = frozenset(
    [
        "seconds", "milliseconds", "microseconds", "nanoseconds", "minutes", "bytes", "kilobytes",
        "megabytes", "bits", "ratio", "percent", "celsius", "meters", "volts",
        "amperes", "joules", "watts", "grams", "hertz", "cores",
    ]
)  # fmt: skip


def unit_of(name: str, declared: Sequence[Mapping[str, str]] = ()) -> str:
    """The unit of a metric in words, or "" where neither its metadata nor its name says one.

    Args:
        name: of the metric as it is queried; ``_count`` of a histogram is a number and has none.
        declared: what exporters say of it; where they differ in the unit, none is believed.
    """
    if name.endswith(("_count", "_bucket")):
        return ""
    units = {each.get("unit", "") for each in declared} - {""}
    if len(units) == 1:
        return units.pop()
    return _named_unit(name) if not units else ""


def units_of(client: PrometheusClient) -> dict[str, str]:
    """Units by the names under which exporters declare their metrics; those without a unit are not in it.

    Raises:
        SourceError: the server does not answer.
    """
    found = {name: unit_of(name, declared) for name, declared in client.metadata().items()}
    return {name: unit for name, unit in found.items() if unit}


def _named_unit(name: str) -> str:
    stem = name
    while (shorter := _without_suffix(stem)) != stem:
        stem = shorter
    last = stem.rsplit("_", 1)[-1]
    return last if last in _UNITS else ""


def _without_suffix(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), name)
