"""The unit of a PromQL expression's value, where it is that of one metric, or of one metric a second.

This is no PromQL parser: it looks at the words of an expression. Where two metrics, or a metric and a number, are
combined, or a function changes the unit in another way, nothing is said.
"""

from __future__ import annotations

import re

from fleet.collectors.prometheus.client import PrometheusClient
from fleet.collectors.prometheus.units import unit_of
from fleet.errors import SourceError

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`')
_LEFT_OUT = re.compile(
    r"\#[^\n]*|\{[^}]*\}|\[[^\]]*\]|\b(?:by|without)\s*\([^)]*\)|\boffset\s+-?\w+|@\s*[\w.]+(?:\(\))?"
)
_OPERATOR = re.compile(r"[-+*/%^=!<>]|\b(?:and|or|unless|atan2)\b")
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?=\s*(\()?)")
_KEEP = frozenset(
    [
        "sum", "avg", "min", "max", "topk", "bottomk", "limitk", "quantile", "stddev",
        "increase", "delta", "idelta", "abs", "ceil", "floor", "round", "sort", "sort_desc",
        "clamp", "clamp_min", "clamp_max", "last_over_time", "min_over_time", "max_over_time",
        "avg_over_time", "quantile_over_time", "stddev_over_time", "histogram_quantile",
        "label_replace", "label_join", "predict_linear",
    ]
)  # fmt: skip
_A_SECOND = frozenset({"rate", "irate", "deriv"})
_PARTS = ("_bucket", "_sum", "_count")


def unit_of_expression(client: PrometheusClient, promql: str) -> str:
    """The unit as ``unit_of`` has it, perhaps with ``/s``; "" where it is not known, or the server does not say."""
    metric, a_second = metric_of(promql)
    if not metric:
        return ""
    try:
        declared = next(
            (found for name in _names(metric) if (found := client.metadata(name).get(name))),
            [],
        )
    except SourceError:
        declared = []
    stem = metric.removesuffix("_bucket")
    unit = unit_of(stem, declared)
    return f"{unit}/s" if unit and a_second and stem == metric else unit


def metric_of(promql: str) -> tuple[str, bool]:
    """The metric whose unit an expression's value has, and whether it is of each second; "" where there is none such.

    Quantiles of a histogram's buckets have the unit of what was measured.
    """
    text = _LEFT_OUT.sub(" ", _STRINGS.sub(" ", promql))
    words = [(match[0], match[1] is not None) for match in _WORD.finditer(text)]
    functions = {word for word, called in words if called}
    metrics = {word for word, called in words if not called}
    if _OPERATOR.search(text) or len(metrics) != 1 or not functions <= _KEEP | _A_SECOND:
        return "", False
    [metric] = metrics
    if metric.endswith("_bucket") and "histogram_quantile" not in functions:
        return "", False
    return metric, bool(functions & _A_SECOND)


def _names(metric: str) -> list[str]:
    """Under which names it may be declared: parts of histograms and summaries are declared with their whole."""
    return [metric, *(metric.removesuffix(part) for part in _PARTS if metric.endswith(part))]
