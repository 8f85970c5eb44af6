"""A Tempo in the test, for answers that no well-behaved server gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.fleet.collectors.prometheus.byte_server import Reply, Request, reply
from tests.fleet.collectors.tempo.otlp import response, span, trace

PROTOBUF = "application/protobuf"
PLAIN = "text/plain; charset=utf-8"


@dataclass
class FakeTempo:
    """Has a trace of one span at each of ``starts_ns``; remembers what it was asked.

    ``special`` may answer a request first; None leaves it to this.
    """

    starts_ns: list[int]
    special: Callable[[str, dict[str, str], Request], Reply | None] = lambda path, form, request: None
    biased: bool = False
    paths: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, request: Request, number: int) -> Reply:
        parts = urlsplit(request.target)
        form = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.paths.append(parts.path)
        self.forms.append(form)
        special = self.special(parts.path, form, request)
        if special is not None:
            return special
        if parts.path.endswith("/api/search"):
            return reply(json.dumps({"traces": self._found(form), "metrics": {}}))
        if "/api/v2/traces/" in parts.path:
            place = int(parts.path.rpartition("/")[2], 16) - 1
            return reply(response(self.message(place)), 200, PROTOBUF)
        return reply("404 page not found\n", 404, PLAIN)

    def message(self, place: int) -> bytes:
        """The trace at a place, as ``TracesData``."""
        start = self.starts_ns[place]
        return trace(span(trace_id=trace_id(place), times=(start, start + 1000)))

    def _found(self, form: dict[str, str]) -> list[dict[str, str]]:
        start, end = int(form["start"]) * 10**9, int(form["end"]) * 10**9
        inside = [place for place, at in enumerate(self.starts_ns) if start <= at < end]
        # A search without the hint takes any: here those with the lowest ids.
        chosen = sorted(inside)[: int(form["limit"])] if self.biased else inside[::-1][: int(form["limit"])]
        return [
            {"traceID": trace_id(place).hex().lstrip("0"), "startTimeUnixNano": str(self.starts_ns[place])}
            for place in sorted(chosen, key=lambda place: -self.starts_ns[place])
        ]


def trace_id(place: int) -> bytes:
    """The id of the trace at a place."""
    return (place + 1).to_bytes(16, "big")
