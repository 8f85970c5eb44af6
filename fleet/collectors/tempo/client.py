"""A client of Tempo's HTTP API, on top of the shared transport."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlsplit

from fleet.collectors.tempo.answers import FoundTrace, decode_search, decode_values, padded
from fleet.collectors.tempo.columns import frame_of_traces
from fleet.collectors.tempo.json_spans import decode_trace
from fleet.collectors.tempo.limits import TempoLimits
from fleet.collectors.tempo.rows import SpanRow, frame_of_rows
from fleet.collectors.tempo.traceql import (
    SERVICE,
    Attribute,
    Condition,
    Intrinsic,
    Operator,
    TagSearch,
    TraceQuery,
    spans_with,
)
from fleet.collectors.tempo.wire import MalformedTrace, Response, read_response
from fleet.collectors.transport import Answer, HttpTransport
from fleet.collectors.transport.api_client import ApiClient
from fleet.collectors.transport.governor import Governor
from fleet.collectors.transport.http import Form
from fleet.credentials import CredentialSource
from fleet.errors import QueryRefused, UsageError, WrongService
from fleet.frames.trace_frame import SpanFrame
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint

_GATEWAY_TENANT = re.compile(r"/api/traces/v1/[^/]+")
_PROTOBUF = "application/protobuf"
_JSON = "application/json"


@dataclass(frozen=True)
class FetchedTrace:
    """A trace as it came, not decoded yet where it came as protobuf.

    Attributes:
        message: of ``TracesData``; empty where it came as JSON.
        rows: its spans where it came as JSON.
        incomplete: why it is not whole, in the server's words; "" where nothing speaks against it.
    """

    message: bytes
    rows: Sequence[SpanRow] = ()
    incomplete: str = ""

    @property
    def size(self) -> int:
        """Bytes that are still to be decoded."""
        return len(self.message)

    def __bool__(self) -> bool:
        return bool(self.message or self.rows)


NOT_FOUND = FetchedTrace(b"")


class TempoClient(ApiClient):
    """One endpoint's traces; threads may share it. A context manager.

    What the server knows is found out by asking and remembered: the hint for the newest traces, the second version of
    the API, protobuf. All methods raise kinds of SourceError, and what the credential source and the governor raise.

    Args:
        endpoint: of a Tempo, or of OpenShift's gateway with its tenant in the address, which is asked below ``/tempo``.
        credentials: with what.
        limits: bounds.
        governor: asked before each request; None where nothing is to be held back.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: CredentialSource | None = None,
        limits: TempoLimits | None = None,
        *,
        governor: Governor | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.limits = limits or TempoLimits()
        self._prefix = "/tempo" if _GATEWAY_TENANT.fullmatch(urlsplit(endpoint.url).path) else ""
        self._transport = HttpTransport(
            endpoint, credentials, self.limits.transport, governor=governor, plain_refusals=True
        )
        self._hints: bool | None = None
        self._second = True
        self._protobuf = True

    def search(self, query: TraceQuery | TagSearch, window: Window, limit: int) -> list[FoundTrace]:
        """At most so many traces that match in a window of up to 168 hours, newest first; the newest where the server
        knows how to find those. The window counts in whole seconds, and traces that reach into it may be among them.
        """
        bounds = [*_range(window), ("limit", str(limit))]
        if isinstance(query, TagSearch):
            return self._searched([*query.form(), *bounds])
        hinted = query.newest_first()
        if self._hints is not False and hinted != query:
            try:
                found = self._searched([("q", str(hinted)), ("spss", "1"), *bounds])
            except QueryRefused:
                if self._hints:
                    raise
            else:
                self._hints = True
                return found
        found = self._searched([("q", str(query)), ("spss", "1"), *bounds])
        if hinted != query:
            self._hints = False
        return found

    def trace(self, trace_id: str) -> SpanFrame:
        """All spans of a trace, as ``read_trace`` has them."""
        return self.read_trace(trace_id)[0]

    def read_trace(self, trace_id: str) -> tuple[SpanFrame, str]:
        """All spans of a trace, and the server's word for why they may not be all, "" where it has none.

        Args:
            trace_id: in hexadecimal digits, leading zeros may lack; there are no spans where there is no such trace.

        Raises:
            UsageError: it is no trace id.
        """
        try:
            wanted = padded(trace_id)
        except ValueError as error:
            raise UsageError(f"{error}.") from None
        fetched = self.fetch(wanted)
        try:
            frame = frame_of_traces([fetched.message]) if fetched.message else frame_of_rows(fetched.rows)
            return frame, fetched.incomplete
        except MalformedTrace as error:
            raise WrongService(
                f"{self.endpoint.url} answered a broken trace: {error}.", endpoint=self.endpoint.url
            ) from None

    def fetch(self, trace_id: str) -> FetchedTrace:
        """A trace by its padded id: by the second version of the API or the first, as protobuf or as JSON."""
        if self._second:
            answer = self._asked_for(f"/api/v2/traces/{trace_id}")
            if answer is not None:
                return answer
        first = self._asked_for(f"/api/traces/{trace_id}")
        if first is None:
            return NOT_FOUND
        # A server that had this trace all along and no path for the second version does not have that version.
        self._second = False
        return first

    def services(self, window: Window) -> list[str]:
        """The names of the services that made spans in a window."""
        return self.values(SERVICE, window)

    def operations(self, service: str, window: Window) -> list[str]:
        """The names of the spans that a service made in a window."""
        return self.values(Intrinsic.NAME, window, spans_with(Condition(SERVICE, Operator.EQUAL, service)))

    def values(self, field: Attribute | Intrinsic, window: Window, query: TraceQuery | None = None) -> list[str]:
        """The values of an attribute, sorted, of all spans of a window or of those that match.

        A server of the first version alone does not look at ``query``.
        """
        form = [*_range(window), *([("q", str(query))] if query is not None else [])]
        path = f"{self._prefix}/api/v2/search/tag/{quote(str(field), safe='')}/values"
        with self._transport.answer(path, form, post=False, may_lack=True) as answer:
            if answer.found:
                return decode_values(answer.body, self.endpoint.url)
        name = field.name if isinstance(field, Attribute) else str(field)
        path = f"{self._prefix}/api/search/tag/{quote(name, safe='')}/values"
        with self._transport.answer(path, _range(window), post=False) as answer:
            return decode_values(answer.body, self.endpoint.url)

    def _searched(self, form: Form) -> list[FoundTrace]:
        with self._transport.answer(f"{self._prefix}/api/search", form, post=False) as answer:
            return decode_search(answer.body, self.endpoint.url)

    def _asked_for(self, path: str) -> FetchedTrace | None:
        """A trace at a path; None where nothing is there."""
        ask = partial(self._transport.answer, self._prefix + path, [], post=False, may_lack=True)
        if self._protobuf:
            try:
                with ask(accept=_PROTOBUF) as answer:
                    return self._decoded(answer, second="/v2/" in path)
            except (QueryRefused, WrongService, MalformedTrace):
                with ask(accept=_JSON) as answer:
                    fetched = self._decoded(answer, second="/v2/" in path)
                self._protobuf = False
                return fetched
        with ask(accept=_JSON) as answer:
            return self._decoded(answer, second="/v2/" in path)

    def _decoded(self, answer: Answer, *, second: bool) -> FetchedTrace | None:
        if not answer.found:
            return None
        if answer.media_type == _JSON or answer.body[:1] == b"{":
            rows, incomplete = decode_trace(answer.body, self.endpoint.url)
            return FetchedTrace(b"", rows, incomplete)
        response = read_response(answer.body) if second else Response(bytes(answer.body))
        return FetchedTrace(response.trace, (), response.incomplete)


def _range(window: Window) -> Form:
    """Whole seconds around a window."""
    end = window.end.timestamp()
    return [("start", str(int(window.start.timestamp()))), ("end", str(int(end) + (end % 1 > 0)))]
