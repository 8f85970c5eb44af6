"""Series of several clusters, from whatever source, as tables, JSON and drawings take them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]
"""Floating-point numbers: float32 where a collector keeps them so."""


@dataclass(frozen=True)
class Series:
    """One series: a value for each of the set's times, NaN where there is none."""

    cluster: str
    labels: Mapping[str, str]
    values: Values


@dataclass(frozen=True)
class SeriesSet:
    """Series of one query on common times.

    Attributes:
        times: Unix seconds, ascending; one of them for values at a time.
        series: in the order of the clusters, and of the servers' answers.
        unit: of the values as ``quantity`` knows them; "" where it is not known.
    """

    times: Values
    series: Sequence[Series]
    unit: str = ""

    @property
    def is_range(self) -> bool:
        """Whether there is more than one time."""
        return len(self.times) > 1


def on_common_times(parts: Sequence[tuple[str, Mapping[str, str], Values, Values]], unit: str = "") -> SeriesSet:
    """A set of series with times of their own, each as cluster, labels, Unix seconds and values."""
    times = np.unique(np.concatenate([each[2] for each in parts])) if parts else np.empty(0)
    series = []
    for cluster, labels, own, values in parts:
        placed = np.full(len(times), np.nan)
        placed[np.searchsorted(times, own)] = values
        series.append(Series(cluster, labels, placed))
    return SeriesSet(times, series, unit)


def shared_labels(label_sets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The labels that all of several have with the same value; none of a single one."""
    if len(label_sets) < 2:
        return {}
    first = label_sets[0]
    return {name: value for name, value in first.items() if all(each.get(name) == value for each in label_sets)}


def label_words(labels: Mapping[str, str], without: Mapping[str, str] | None = None) -> str:
    """Labels as PromQL writes them, those of ``without`` left out."""
    left = {name: value for name, value in labels.items() if name not in (without or {})}
    name = left.pop("__name__", "")
    pairs = ", ".join(f'{key}="{_quotable(value)}"' for key, value in sorted(left.items()))
    return f"{name}{{{pairs}}}" if pairs or not name else name


def json_rows(found: SeriesSet) -> list[dict[str, Any]]:
    """Each series with its value, or with its ``[Unix seconds, value]`` where there are several times."""
    rows: list[dict[str, Any]] = []
    for each in found.series:
        row: dict[str, Any] = {"cluster": each.cluster, "labels": dict(each.labels)}
        if found.is_range:
            # By way of their text: a float32 as a float64 has digits that nobody measured.
            values = each.values.astype(str).astype(float)
            pairs = zip(found.times.tolist(), values.tolist(), strict=True)
            row["values"] = [[at, json_number(value)] for at, value in pairs if not math.isnan(value)]
        else:
            row["value"] = json_number(float(str(each.values[0])))
        rows.append(row)
    return rows


def json_number(value: float) -> float | str | None:
    """A value in JSON, which has no infinity: that is Prometheus' own word; None for what is no number."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else f"{value:+}".replace("inf", "Inf")


def _quotable(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
