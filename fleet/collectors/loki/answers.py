"""Answers of Loki that are no log lines: metric queries, lists of labels, sizes. Format: recorded from Loki 3.8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from fleet.collectors.transport.decoding import decoder_of, strictly
from fleet.collectors.transport.faults import clean_words
from fleet.errors import QueryRefused, WrongService
from fleet.frames.log_frame import Labels

DataT = TypeVar("DataT")
_MOST = 1 << 62
"""More than that no server holds of anything."""
_Count = Annotated[int, msgspec.Meta(ge=0, lt=_MOST)]


@dataclass(frozen=True)
class MetricSeries:
    """One series of a metric query: Unix seconds and values (float64), ascending in time."""

    labels: Labels
    times_seconds: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True)
class MetricAnswer:
    """A metric query's series; ``warnings`` are the server's own words: the answer may not be whole."""

    series: list[MetricSeries]
    warnings: list[str]

    @property
    def total(self) -> float:
        """The sum of all values."""
        return float(sum(each.values.sum() for each in self.series))

    @property
    def count(self) -> int | None:
        """The sum of all values where they count something; None where it cannot be a number of things."""
        return round(self.total) if 0 <= self.total < _MOST else None


@dataclass(frozen=True)
class LogVolume:
    """How much a selector's streams hold in a window, as the server's index says.

    None is what it does not say: the index of volumes knows no entries, a count no bytes.
    """

    streams: int | None = None
    entries: int | None = None
    bytes: int | None = None

    @property
    def known(self) -> bool:
        """Whether it says more than nothing; the index of chunks counts none that are still in memory."""
        return bool(self.entries or self.bytes)


class IndexStats(msgspec.Struct):
    """The answer of index/stats, which has no envelope."""

    streams: _Count
    chunks: _Count
    bytes: _Count
    entries: _Count


class _Envelope(msgspec.Struct, Generic[DataT]):
    status: str
    data: DataT | None = None
    warnings: list[str] | None = None
    error: str = ""


class _Series(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]] | None = None
    value: tuple[float, str] | None = None


class _Result(msgspec.Struct, rename="camel"):
    result_type: str
    result: msgspec.Raw


_names_decoder = decoder_of(_Envelope[list[str]])
_label_sets_decoder = decoder_of(_Envelope[list[dict[str, str]]])
_result_decoder = decoder_of(_Envelope[_Result])
_series_decoder = decoder_of(list[_Series])
_scalar_decoder = decoder_of(tuple[float, str])
_stats_decoder = decoder_of(IndexStats)


def decode_names(body: bytearray, url: str) -> list[str]:
    """A list of labels or values; Loki leaves out what would be empty."""
    return _data(strictly(_names_decoder, body, url), url) or []


def decode_label_sets(body: bytearray, url: str) -> list[Labels]:
    """The answer of series."""
    return _data(strictly(_label_sets_decoder, body, url), url) or []


def decode_stats(body: bytearray, url: str) -> LogVolume:
    """The answer of index/stats."""
    stats = strictly(_stats_decoder, body, url)
    return LogVolume(stats.streams, stats.entries, stats.bytes)


def decode_metric(body: bytearray, url: str) -> MetricAnswer:
    """A vector, matrix or scalar.

    Raises:
        AnswerTruncated, WrongService, QueryRefused: the body is cut, something else, or says that it failed.
    """
    envelope = strictly(_result_decoder, body, url)
    result = _data(envelope, url)
    if result is None or result.result_type not in {"vector", "matrix", "scalar"}:
        raise WrongService(f"{url} answered a metric query with no numbers.", endpoint=url)
    warnings = [clean_words(text) for text in envelope.warnings or []]
    if result.result_type == "scalar":
        at, value = strictly(_scalar_decoder, result.result, url)
        # The one place where Loki's times are milliseconds.
        return MetricAnswer([_series({}, [(at / 1000, value)], url)], warnings)
    decoded = strictly(_series_decoder, result.result, url)
    series = [_series(each.metric, each.values or ([each.value] if each.value else []), url) for each in decoded]
    return MetricAnswer(series, warnings)


def _data(envelope: _Envelope[DataT], url: str) -> DataT | None:
    if envelope.status != "success":
        words = clean_words(envelope.error) or "no reason given"
        raise QueryRefused(f"{url} refused the query: {words}.", endpoint=url)
    return envelope.data


def _series(labels: Labels, pairs: list[tuple[float, str]], url: str) -> MetricSeries:
    try:
        values = [float(text) for _, text in pairs]
    except ValueError:
        raise WrongService(f"{url} answered with a value that is no number.", endpoint=url) from None
    times = np.array([at for at, _ in pairs], dtype=np.float64)
    return MetricSeries(labels, times, np.array(values, dtype=np.float64))
