"""Each query of a pack asked once, now: whether a server can answer it, in which form, and how long that takes."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from pydantic import BaseModel, Field

from fleet.collectors.prometheus.answers import InstantAnswer, RangeAnswer
from fleet.collectors.prometheus.breaker import Breaker
from fleet.collectors.prometheus.client import PrometheusClient
from fleet.collectors.prometheus.coverage import absence_in_words
from fleet.collectors.prometheus.presence import Presence
from fleet.errors import CredentialMissing, SourceError
from fleet.frames.coverage import CoverageStatus
from fleet.frames.pack import PackQuery, QueryPack, Variant
from fleet.frames.window import STEP_SECONDS, Window

_SHORT = timedelta(minutes=15)


class QueryTrial(BaseModel):
    """How a server took one query, asked at a time and over the quarter of an hour before it.

    ``promql`` is what was asked, and ``form`` its number (1 is the query's own, 2 its first alternative); without one
    nothing was asked. ``seconds`` is what both questions took, ``series`` the number in the range. ``value`` is one of
    the answer's in the query's unit, with its ``labels``: the last one that is a finite number.
    """

    query_id: str
    status: CoverageStatus
    reason: str = ""
    form: int | None = None
    promql: str = ""
    seconds: float = 0.0
    series: int = 0
    unit: str
    value: float | None = None
    labels: dict[str, str] = Field(default_factory=dict)


def try_pack(client: PrometheusClient, pack: QueryPack, at: datetime) -> list[QueryTrial]:
    """Ask each query of a pack. A server that does not answer makes each of them unknown, and raises nothing.

    Raises:
        StoreUnavailable: our own credential store or governor cannot be reached.
    """
    try:
        client.probe()
        client.recognise()
    except (SourceError, CredentialMissing) as error:
        return [_unknown(query, str(error)) for query in pack.queries]
    window = Window.before(at, _SHORT)
    asking = _Asking(client, Presence(client, pack, window), window, Breaker(client.limits.failures))
    with ThreadPoolExecutor(max_workers=client.limits.concurrency, thread_name_prefix="trial") as threads:
        return list(threads.map(asking.ask, pack.queries))


@dataclass(frozen=True)
class _Asking:
    """What the threads of one trial share."""

    client: PrometheusClient
    presence: Presence
    window: Window
    breaker: Breaker

    def ask(self, query: PackQuery) -> QueryTrial:
        form = self.presence.chosen(query)
        if form is None:
            return self._absent(query)
        if self.breaker.fault is not None:
            return _unknown(query, str(self.breaker.fault))
        begun = time.perf_counter()
        try:
            now = self.client.query(form.promql, self.window.end)
            lately = self.client.query_range(form.promql, self.window, STEP_SECONDS)
        except SourceError as error:
            self.breaker.failed(error)
            tried = {"form": _number(query, form), "promql": form.promql}
            return _unknown(query, str(error)).model_copy(update=tried)
        self.breaker.succeeded()
        return self._answered(query, form, now, lately, time.perf_counter() - begun)

    def _answered(
        self, query: PackQuery, form: Variant, now: InstantAnswer, lately: RangeAnswer, seconds: float
    ) -> QueryTrial:
        reasons = list(dict.fromkeys([*now.notes.incomplete, *lately.notes.incomplete]))
        status = CoverageStatus.PARTIAL if reasons else CoverageStatus.OK
        if not now.samples and not lately.series and not reasons:
            known = self.presence.known_after_empty(form)
            if known is False:
                return self._absent(query)
            if known is None:
                status = CoverageStatus.UNKNOWN
                reasons = ["the answer is empty, and which metrics the server has could not be read"]
        labels, value = _sample(now, lately)
        return QueryTrial(
            query_id=query.id,
            status=status,
            reason="; ".join(reasons),
            form=_number(query, form),
            promql=form.promql,
            seconds=seconds,
            series=len(lately.series),
            unit=query.unit,
            value=value,
            labels=labels,
        )

    def _absent(self, query: PackQuery) -> QueryTrial:
        reason = absence_in_words(self.presence.missing(query))
        return QueryTrial(query_id=query.id, status=CoverageStatus.ABSENT, reason=reason, unit=query.unit)


def _number(query: PackQuery, form: Variant) -> int:
    return query.variants.index(form) + 1


def _unknown(query: PackQuery, reason: str) -> QueryTrial:
    return QueryTrial(query_id=query.id, status=CoverageStatus.UNKNOWN, reason=reason, unit=query.unit)


def _sample(now: InstantAnswer, lately: RangeAnswer) -> tuple[dict[str, str], float | None]:
    for sample in now.samples:
        if math.isfinite(sample.value):
            return dict(sample.labels), sample.value
    for labels, values in zip(lately.series, lately.values, strict=True):
        finite = values[np.isfinite(values)]
        if finite.size:
            return dict(labels), float(finite[-1])
    return {}, None
