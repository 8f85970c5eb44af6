"""A client of Prometheus's query API, on top of the shared transport."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from fleet.collectors.prometheus.answers import (
    BuildInfo,
    InstantAnswer,
    Labels,
    Notes,
    RangeAnswer,
    decode_data,
    decode_instant,
    decode_range,
    join_ranges,
)
from fleet.collectors.prometheus.limits import PrometheusLimits
from fleet.collectors.prometheus.samples import Grid
from fleet.collectors.transport import HttpTransport
from fleet.collectors.transport.api_client import ApiClient
from fleet.collectors.transport.governor import Governor
from fleet.credentials import CredentialSource
from fleet.errors import Forbidden, QueryRefused, SourceError, WrongService
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint

_Form = list[tuple[str, str]]
_MERGED: _Form = [("dedup", "true"), ("partial_response", "true"), ("max_source_resolution", "0s")]
"""What Thanos does with its stores: join replicas, answer with a warning where one is missing, and read raw samples. Of
those that were thinned out to one in five minutes, a rate over five minutes is nothing."""
_Decoded = TypeVar("_Decoded")


class PrometheusClient(ApiClient):
    """One endpoint's query API; threads may share it. A context manager.

    Queries go as POST form bodies, which have no length limit. A server that refuses POST (405, or 403 where a
    role of OpenShift grants only ``get``) is asked by GET from then on. All methods raise kinds of SourceError,
    and what the credential source and the governor raise.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: CredentialSource | None = None,
        limits: PrometheusLimits | None = None,
        *,
        governor: Governor | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.limits = limits or PrometheusLimits()
        self._transport = HttpTransport(endpoint, credentials, self.limits.transport, governor=governor)
        self._post: bool | None = None
        self._merging: _Form = []

    @property
    def narrowed(self) -> str:
        """Why not the whole cluster is seen; "" where it is."""
        return f"only namespace {self.endpoint.namespace} is seen" if self.endpoint.namespace else ""

    @property
    def by_post(self) -> bool | None:
        """Whether queries go as POST; None before the first answer."""
        return self._post

    def probe(self) -> None:
        """Return if the API answers at all, with the credential and within the probe's time; raise why not.

        A refused query is an answer of the API, too.
        """
        try:
            self._ask("/api/v1/query", [("query", "1")], decode_instant, seconds=self.limits.probe_seconds)
        except QueryRefused:
            return

    def recognise(self) -> None:
        """Find out whether this is a Thanos, and if so say in each query from then on how it is to merge its stores.

        Costs a request; to be asked of a server that answers. A Thanos that is not recognised merges as it was set up.
        """
        # A tenancy port stands before OpenShift's Thanos, and lets its list of stores not through.
        thanos = bool(self.endpoint.namespace) or self.is_thanos(seconds=self.limits.probe_seconds)
        self._merging = _MERGED if thanos else []

    def query(self, promql: str, at: datetime) -> InstantAnswer:
        """The value of an expression at a time (aware)."""
        return self._ask("/api/v1/query", [("query", promql), ("time", _seconds(at)), *self._merging], decode_instant)

    def query_range(self, promql: str, window: Window, step_seconds: int) -> RangeAnswer:
        """An expression over a window, on the grid ``start``, ``start + step`` … before ``end``.

        Asked in as many ranges as Prometheus's limit of 11,000 points makes necessary.
        """
        points = window.points(step_seconds)
        parts: list[tuple[int, RangeAnswer]] = []
        for column in range(0, points, self.limits.range_points):
            count = min(self.limits.range_points, points - column)
            grid = Grid(window.start.timestamp() + column * step_seconds, step_seconds, count)
            form = [
                ("query", promql),
                ("start", f"{grid.start:.3f}"),
                ("end", f"{grid.start + (count - 1) * step_seconds:.3f}"),
                ("step", str(step_seconds)),
                *self._merging,
            ]
            answer = self._ask("/api/v1/query_range", form, partial(decode_range, grid=grid))
            parts.append((column, answer))
        return join_ranges(parts, points)

    def labels(self, window: Window) -> list[str]:
        """Names of all labels that series had in a window."""
        return self._ask("/api/v1/labels", _range(window), _names)

    def label_values(self, label: str, window: Window, *, seconds: float | None = None) -> tuple[list[str], Notes]:
        """Values that a label had in a window, and the server's notes; the API takes this as GET only."""
        path = f"/api/v1/label/{label}/values"
        with self._transport.answer(path, _range(window), post=False, seconds=seconds) as answer:
            return decode_data(answer.body, self.endpoint.url, list[str])

    def series(self, matchers: Sequence[str], window: Window) -> list[Labels]:
        """Label sets of the series that match any of the selectors in a window."""
        form = [("match[]", matcher) for matcher in matchers] + _range(window)
        return [tuple(sorted(labels.items())) for labels in self._ask("/api/v1/series", form, _label_sets)]

    def data(self, path: str, form: _Form, kind: type[_Decoded]) -> tuple[_Decoded, Notes]:
        """What a part of the API answers to a GET, as a type that msgspec checks, and the server's notes."""
        with self._transport.answer(path, form, post=False) as answer:
            return decode_data(answer.body, self.endpoint.url, kind)

    def metadata(self, metric: str = "") -> dict[str, list[dict[str, str]]]:
        """Type, help and unit of each metric, or of one, as exporters declare them."""
        form = [("metric", metric)] if metric else []
        return self.data("/api/v1/metadata", form, dict[str, list[dict[str, str]]])[0]

    def version(self, *, seconds: float | None = None) -> str:
        """The server's version; WrongService where a proxy does not let this through."""
        with self._transport.answer("/api/v1/status/buildinfo", [], post=False, seconds=seconds) as answer:
            return decode_data(answer.body, self.endpoint.url, BuildInfo)[0].version

    def is_thanos(self, *, seconds: float | None = None) -> bool:
        """Whether the server has the list of stores, which Thanos Query alone has."""
        try:
            with self._transport.answer("/api/v1/stores", [], post=False, seconds=seconds) as answer:
                decode_data(answer.body, self.endpoint.url, dict[str, Any])
        except SourceError:
            return False
        return True

    def _ask(
        self, path: str, form: _Form, decode: Callable[[bytearray, str], _Decoded], *, seconds: float | None = None
    ) -> _Decoded:
        """Ask by POST, or by GET where POST is known to be refused; the first question finds out."""
        post = self._post is not False
        try:
            decoded = self._sent(path, form, decode, post=post, seconds=seconds)
        except QueryRefused:
            self._post = post
            raise
        except (Forbidden, WrongService):
            if self._post is not None:
                raise
            try:
                decoded = self._sent(path, form, decode, post=False, seconds=seconds)
            except QueryRefused:
                self._post = False
                raise
            except SourceError as error:
                # Both ways are closed: what the second one says is true of both.
                raise error from None
            post = False
        self._post = post
        return decoded

    def _sent(
        self, path: str, form: _Form, decode: Callable[[bytearray, str], _Decoded], *, post: bool, seconds: float | None
    ) -> _Decoded:
        with self._transport.answer(path, form, post=post, seconds=seconds) as answer:
            return decode(answer.body, self.endpoint.url)


def _names(body: bytearray, url: str) -> list[str]:
    return decode_data(body, url, list[str])[0]


def _label_sets(body: bytearray, url: str) -> list[dict[str, str]]:
    return decode_data(body, url, list[dict[str, str]])[0]


def _seconds(at: datetime) -> str:
    return f"{at.timestamp():.3f}"


def _range(window: Window) -> _Form:
    return [("start", _seconds(window.start)), ("end", _seconds(window.end))]
