"""Spans and traces as the simulated Tempo holds them, after OpenTelemetry's data model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any

Attributes = dict[str, Any]
"""Values are str, bool, int, float, bytes, lists of them, or such dictionaries."""


class Kind(IntEnum):
    """Span kinds with OTLP's numbers."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class Status(IntEnum):
    """Status codes with OTLP's numbers."""

    UNSET = 0
    OK = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened within a span."""

    name: str
    time_ns: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Scope:
    """The instrumentation that made spans."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A span; ``parent_id`` is empty for a root, times are Unix nanoseconds."""

    span_id: bytes
    parent_id: bytes
    name: str
    kind: Kind
    start_ns: int
    end_ns: int
    resource: Attributes
    attributes: Attributes = field(default_factory=dict)
    status: Status = Status.UNSET
    message: str = ""
    events: tuple[Event, ...] = ()
    scope: Scope = Scope()

    @property
    def service(self) -> str:
        """The name of the service that made it."""
        return str(self.resource.get("service.name", ""))


@dataclass(frozen=True)
class Trace:
    """Spans of one id (16 bytes)."""

    trace_id: bytes
    spans: tuple[Span, ...]

    @property
    def hex_id(self) -> str:
        """The id in 32 digits."""
        return self.trace_id.hex()

    @cached_property
    def root(self) -> Span | None:
        """The span without a parent; None while it was not received."""
        return next((span for span in self.spans if not span.parent_id), None)

    @cached_property
    def start_ns(self) -> int:
        """When its first span starts."""
        return min(span.start_ns for span in self.spans)

    @cached_property
    def end_ns(self) -> int:
        """When its last span ends."""
        return max(span.end_ns for span in self.spans)

    @cached_property
    def service_stats(self) -> dict[str, dict[str, int]]:
        """Spans and errors by service, as search answers show them: without errors there is no count of them."""
        spans = Counter(span.service for span in self.spans)
        errors = Counter(span.service for span in self.spans if span.status is Status.ERROR)
        return {
            name: {"spanCount": spans[name], **({"errorCount": errors[name]} if errors[name] else {})}
            for name in sorted(spans)
        }
