"""Answers of the query API, decoded. Format: Prometheus HTTP API v1, as recorded from 2.42 and read in Thanos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from fleet.collectors.prometheus.samples import Grid, MalformedSamples, place_samples
from fleet.collectors.transport.decoding import decoder_of, strictly
from fleet.collectors.transport.faults import clean_words
from fleet.errors import QueryRefused, WrongService

Labels = tuple[tuple[str, str], ...]
"""Sorted by name."""


@dataclass
class Notes:
    """What an answer says beside its samples.

    Attributes:
        warnings: the server's own words; the answer may be incomplete (Thanos: a store did not answer).
        infos: the server's hints about the query (Prometheus 3).
        histograms: series that are native histograms, which have no single value and are left out.
        twice: series that came more than once under the same labels; their samples were joined.
    """

    warnings: list[str] = field(default_factory=list)
    infos: list[str] = field(default_factory=list)
    histograms: int = 0
    twice: int = 0

    def add(self, other: Notes) -> None:
        """Take in the notes of another part of the same answer."""
        self.warnings += [text for text in other.warnings if text not in self.warnings]
        self.infos += [text for text in other.infos if text not in self.infos]
        self.histograms = max(self.histograms, other.histograms)
        self.twice = max(self.twice, other.twice)

    @property
    def incomplete(self) -> list[str]:
        """Why the answer may not be whole; empty when nothing speaks against it."""
        reasons = list(self.warnings)
        if self.histograms:
            reasons.append(f"{self.histograms} native histograms were left out")
        if self.twice:
            reasons.append(f"{self.twice} series came more than once")
        return reasons


@dataclass(frozen=True)
class RangeAnswer:
    """Series of a range query: one row of ``values`` (float32, NaN for a gap) for each of ``series``."""

    series: list[Labels]
    values: npt.NDArray[np.float32]
    notes: Notes


@dataclass(frozen=True)
class InstantSample:
    """One sample of an instant query; ``at`` is the evaluation's time, or the scrape's for a range selector."""

    labels: Labels
    at: datetime
    value: float


@dataclass(frozen=True)
class InstantAnswer:
    """Samples of an instant query; a scalar is one sample without labels."""

    samples: list[InstantSample]
    notes: Notes


class BuildInfo(msgspec.Struct):
    """What a server says of itself; kinds of it add more."""

    version: str = ""


class _Envelope(msgspec.Struct):
    status: str
    error: str = ""
    warnings: list[str] | None = None
    infos: list[str] | None = None


class _MatrixSeries(msgspec.Struct):
    metric: dict[str, str]
    values: msgspec.Raw = msgspec.Raw(b"")
    histograms: msgspec.Raw = msgspec.Raw(b"")


class _Matrix(msgspec.Struct):
    result_type: str = msgspec.field(name="resultType")
    result: list[_MatrixSeries] = msgspec.field(default_factory=list)


class _MatrixEnvelope(_Envelope):
    data: _Matrix | None = None


class _RawEnvelope(_Envelope):
    data: msgspec.Raw = msgspec.Raw(b"")


class _VectorSeries(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] | None = None


class _Result(msgspec.Struct):
    result_type: str = msgspec.field(name="resultType")
    result: msgspec.Raw


_matrix_decoder = decoder_of(_MatrixEnvelope)
_envelope_decoder = decoder_of(_RawEnvelope)
_Decoded = TypeVar("_Decoded")


def decode_data(body: bytearray, url: str, kind: type[_Decoded]) -> tuple[_Decoded, Notes]:
    """The ``data`` of an answer, as a type that msgspec checks, and the notes beside it.

    Raises:
        AnswerTruncated, WrongService, QueryRefused: the body is cut, something else, or says that it failed.
    """
    envelope = strictly(_envelope_decoder, body, url)
    notes = _notes(envelope, url)
    return strictly(decoder_of(kind), envelope.data, url), notes


def decode_range(body: bytearray, url: str, grid: Grid) -> RangeAnswer:
    """The answer to a range query, on its grid.

    Raises:
        AnswerTruncated, WrongService, QueryRefused: the body is cut, something else, or says that it failed.
    """
    envelope = strictly(_matrix_decoder, body, url)
    notes = _notes(envelope, url)
    matrix = envelope.data
    if matrix is None or matrix.result_type != "matrix":
        raise WrongService(f"{url} answered a range query with no matrix.", endpoint=url)
    rows = [series for series in matrix.result if memoryview(series.values).nbytes]
    notes.histograms = sum(1 for series in matrix.result if memoryview(series.histograms).nbytes)
    try:
        values = place_samples([series.values for series in rows], grid)
    except MalformedSamples as error:
        raise WrongService(f"{url} answered a range query wrongly: {error}.", endpoint=url) from None
    return _unique([tuple(sorted(series.metric.items())) for series in rows], values, notes)


def decode_instant(body: bytearray, url: str) -> InstantAnswer:
    """The answer to an instant query: vector, scalar, or the raw samples of a range selector.

    Raises:
        AnswerTruncated, WrongService, QueryRefused: the body is cut, something else, or says that it failed.
    """
    result, notes = decode_data(body, url, _Result)
    if result.result_type == "scalar":
        at, value = strictly(decoder_of(tuple[float, str]), result.result, url)
        return InstantAnswer([_sample((), at, value, url)], notes)
    if result.result_type not in {"vector", "matrix"}:
        raise WrongService(f"{url} answered with a {result.result_type[:20]}, which has no value.", endpoint=url)
    samples: list[InstantSample] = []
    for series in strictly(decoder_of(list[_VectorSeries]), result.result, url):
        labels = tuple(sorted(series.metric.items()))
        pairs = series.values if series.values is not None else [series.value] if series.value is not None else None
        if pairs is None:
            notes.histograms += 1
        samples += [_sample(labels, at, value, url) for at, value in pairs or []]
    return InstantAnswer(samples, notes)


def join_ranges(parts: Sequence[tuple[int, RangeAnswer]], points: int) -> RangeAnswer:
    """Answers for neighbouring ranges as one: each with the column at which its range starts."""
    if len(parts) == 1 and parts[0][1].values.shape[1] == points:
        return parts[0][1]
    rows: dict[Labels, int] = {}
    notes = Notes()
    for _, part in parts:
        notes.add(part.notes)
        for labels in part.series:
            rows.setdefault(labels, len(rows))
    values = np.full((len(rows), points), np.nan, dtype=np.float32)
    for column, part in parts:
        places = [rows[labels] for labels in part.series]
        values[places, column : column + part.values.shape[1]] = part.values
    return RangeAnswer(list(rows), values, notes)


def _unique(series: list[Labels], values: npt.NDArray[np.float32], notes: Notes) -> RangeAnswer:
    """Join rows of the same labels: the first one's samples, and the others' where it has none."""
    rows: dict[Labels, int] = {}
    for row, labels in enumerate(series):
        first = rows.setdefault(labels, row)
        if first != row:
            notes.twice += 1
            values[first] = np.where(np.isnan(values[first]), values[row], values[first])
    if not notes.twice:
        return RangeAnswer(series, values, notes)
    return RangeAnswer(list(rows), values[list(rows.values())], notes)


def _sample(labels: Labels, at: float, value: str, url: str) -> InstantSample:
    try:
        return InstantSample(labels, datetime.fromtimestamp(at, tz=UTC), float(value))
    except (ValueError, OverflowError, OSError):
        raise WrongService(f"{url} answered with a sample that is no number.", endpoint=url) from None


def _notes(envelope: _Envelope, url: str) -> Notes:
    if envelope.status != "success":
        raise QueryRefused(
            f"{url} refused the query: {clean_words(envelope.error) or 'no reason given'}.", endpoint=url
        )
    warnings, infos = ([clean_words(text) for text in texts or []] for texts in (envelope.warnings, envelope.infos))
    # Prometheus before 3.0 has one list for both.
    infos += [text for text in warnings if text.startswith("PromQL info")]
    return Notes([text for text in warnings if not text.startswith("PromQL info")], infos)
