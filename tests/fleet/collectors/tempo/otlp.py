"""OTLP protobuf by hand, for tests: messages from their fields."""

from __future__ import annotations

import struct


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value & 0xFFFFFFFFFFFFFFFF)


def fixed(field: int, value: int) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<Q", value)


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def held(field: int, content: bytes | str) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(data)) + data


def attribute(field: int, key: str | bytes, value: bytes) -> bytes:
    return held(field, (held(1, key) if key else b"") + held(2, value))


def span(
    span_id: bytes = b"\x0a" * 8,
    parent_id: bytes = b"",
    trace_id: bytes = b"\x01" * 16,
    name: str = "GET /",
    more: bytes = b"",
    times: tuple[int, int] = (5 * 10**18, 5 * 10**18 + 1_000_000),
    kind: int = 2,
) -> bytes:
    parent = held(4, parent_id) if parent_id else b""
    ids = held(1, trace_id) + held(2, span_id) + parent + held(5, name)
    return ids + number(6, kind) + fixed(7, times[0]) + fixed(8, times[1]) + more


def resource(service: str | None = "cart", more: bytes = b"") -> bytes:
    return (attribute(1, "service.name", held(1, service)) if service is not None else b"") + more


def trace(*spans: bytes, of: bytes | None = None) -> bytes:
    scope = held(1, held(1, "manual") + held(2, "1"))
    scoped = scope + b"".join(held(2, each) for each in spans)
    return held(1, held(1, resource() if of is None else of) + held(2, scoped))


def response(message: bytes, *, partial: str = "") -> bytes:
    return held(1, message) + held(2, b"") + ((number(3, 1) + held(4, partial)) if partial else b"")
