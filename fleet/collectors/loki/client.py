"""A client of Loki's HTTP API, on top of the shared transport."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Self, TypeVar
from urllib.parse import quote

from fleet.collectors.loki.answers import (
    LogVolume,
    MetricAnswer,
    decode_label_sets,
    decode_metric,
    decode_names,
    decode_stats,
)
from fleet.collectors.loki.limits import LokiLimits
from fleet.collectors.loki.lines import LogPage, decode_lines
from fleet.collectors.transport import HttpTransport
from fleet.collectors.transport.api_client import ApiClient
from fleet.collectors.transport.governor import Governor
from fleet.collectors.transport.http import Form
from fleet.credentials import CredentialSource
from fleet.errors import Forbidden, QueryRefused, WrongService
from fleet.frames.log_frame import Labels, nanoseconds
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint

API = "/loki/api/v1"
GATEWAY = "/api/logs/v1"
"""Below it OpenShift's gateway has a path for each tenant."""
_Decoded = TypeVar("_Decoded")


class Direction(StrEnum):
    """From which end of a window lines are read first."""

    FORWARD = "forward"
    BACKWARD = "backward"


class LokiClient(ApiClient):
    """One endpoint's LogQL; threads may share it. A context manager.

    Times go as nanoseconds of 19 digits, the only form that Loki does not guess at. Queries go as POST form bodies,
    which have no length limit; a server that refuses POST is asked by GET from then on. OpenShift's gateway is always
    asked by GET: it looks for the namespaces that a query names, and adds those that it may see, in the address alone.
    All methods raise kinds of SourceError, and what the credential source and the governor raise.

    Args:
        endpoint: of a Loki, or of OpenShift's gateway with its tenant in the address.
        credentials: with what.
        limits: bounds.
        governor: asked before each request; None where nothing is to be held back.
        prefix: below the endpoint's address, where a gateway has a tenant (``gateway.py`` finds them).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: CredentialSource | None = None,
        limits: LokiLimits | None = None,
        *,
        governor: Governor | None = None,
        prefix: str = "",
    ) -> None:
        self.endpoint = endpoint
        self.credentials = credentials
        self.governor = governor
        self.limits = limits or LokiLimits()
        self.prefix = prefix
        self._transport = HttpTransport(
            endpoint, credentials, self.limits.transport, governor=governor, plain_refusals=True
        )
        self._post = self._may_post()

    def at(self, prefix: str) -> Self:
        """The same server's API below another path; it shares the connections, and is closed with this one."""
        other = copy.copy(self)
        other.prefix = prefix
        other._post = other._may_post()
        return other

    def _may_post(self) -> bool | None:
        """Whether queries go as POST; None where the first answer has to tell."""
        return False if f"{GATEWAY}/" in self.endpoint.url + self.prefix + "/" else None

    def lines(
        self, logql: str, start_ns: int, end_ns: int, *, limit: int, direction: Direction = Direction.BACKWARD
    ) -> LogPage:
        """At most ``limit`` lines from ``start_ns`` until before ``end_ns``, those at one end of it, oldest first."""
        form = [
            ("query", logql),
            ("start", str(start_ns)),
            ("end", str(end_ns)),
            ("limit", str(limit)),
            ("direction", direction),
        ]
        decode = partial(decode_lines, backward=direction is Direction.BACKWARD)
        return self._ask("query_range", form, decode)

    def query_range(self, logql: str, window: Window, step_seconds: int) -> MetricAnswer:
        """A metric query over a window; times are multiples of the step, and one may lie behind the window."""
        return self._ask("query_range", [("query", logql), *_range(window), ("step", str(step_seconds))], decode_metric)

    def query(self, logql: str, at: datetime, *, seconds: float | None = None) -> MetricAnswer:
        """A metric query at a time (aware); within ``seconds`` instead of the limits' time."""
        form = [("query", logql), ("time", str(nanoseconds(at)))]
        return self._ask("query", form, decode_metric, seconds=seconds)

    def labels(self, window: Window, selector: str = "", *, seconds: float | None = None) -> list[str]:
        """Names of the labels of streams in a window, of a selector's or of all."""
        return self._ask("labels", [*_range(window), *_selector(selector)], decode_names, seconds=seconds)

    def label_values(self, label: str, window: Window, selector: str = "") -> list[str]:
        """Values of a label in a window, of a selector's streams or of all."""
        path = f"label/{quote(label, safe='')}/values"
        return self._get(path, [*_range(window), *_selector(selector)], decode_names)

    def series(self, selectors: Sequence[str], window: Window) -> list[Labels]:
        """Label sets of the streams that match any of the selectors; without one, of all."""
        return self._ask("series", [("match[]", each) for each in selectors] + _range(window), decode_label_sets)

    def index_stats(self, selector: str, window: Window) -> LogVolume:
        """Streams, lines and bytes of a selector by the index of chunks; WrongService behind OpenShift's gateway.

        Chunks that are still in a server's memory are not counted: zeros do not mean that there is nothing.
        """
        form = [("query", selector), *_range(window)]
        return self._get("index/stats", form, decode_stats, seconds=self.limits.probe_seconds)

    def index_volume(self, selector: str, window: Window) -> LogVolume:
        """Bytes of a selector, those in memory included; QueryRefused where the server keeps no volumes."""
        form = [("query", selector), *_range(window), ("limit", "5000")]
        answer = self._get("index/volume", form, decode_metric, seconds=self.limits.probe_seconds)
        return LogVolume(bytes=answer.count)

    def _ask(
        self, path: str, form: Form, decode: Callable[[bytearray, str], _Decoded], *, seconds: float | None = None
    ) -> _Decoded:
        """Ask by POST, or by GET where POST is known to be refused; the first answer finds out."""
        if self._post is False:
            return self._sent(path, form, decode, post=False, seconds=seconds)
        try:
            decoded = self._sent(path, form, decode, post=True, seconds=seconds)
        except QueryRefused:
            self._post = True
            raise
        except (Forbidden, WrongService):
            if self._post:
                raise
            decoded = self._get(path, form, decode, seconds=seconds)
            self._post = False
            return decoded
        self._post = True
        return decoded

    def _get(
        self, path: str, form: Form, decode: Callable[[bytearray, str], _Decoded], *, seconds: float | None = None
    ) -> _Decoded:
        return self._sent(path, form, decode, post=False, seconds=seconds)

    def _sent(
        self, path: str, form: Form, decode: Callable[[bytearray, str], _Decoded], *, post: bool, seconds: float | None
    ) -> _Decoded:
        path = f"{self.prefix}{API}/{path}"
        with self._transport.answer(path, form, post=post, seconds=seconds) as answer:
            return decode(answer.body, self.endpoint.url)


def _range(window: Window) -> Form:
    return [("start", str(nanoseconds(window.start))), ("end", str(nanoseconds(window.end)))]


def _selector(selector: str) -> Form:
    return [("query", selector)] if selector else []
