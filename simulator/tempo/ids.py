"""Trace ids from which the trace can be found again: half of it chance, half its place under a mask of that chance."""

from __future__ import annotations

from hashlib import blake2b

BULK = 0xFFFF
"""The route of traces that are there for their number only."""


def trace_id_of(cluster: str, seed: int, route: int, slot: int) -> bytes:
    """The id (16 bytes) of the trace that a route has in a slot."""
    place = route.to_bytes(2, "big") + slot.to_bytes(6, "big")
    chance = blake2b(place, digest_size=8, key=_key(cluster, seed)).digest()
    return chance + _masked(place, chance, cluster, seed)


def place_of(cluster: str, seed: int, trace_id: bytes) -> tuple[int, int] | None:
    """Route and slot of an id; None for an id that is none of this cluster's."""
    place = _masked(trace_id[8:], trace_id[:8], cluster, seed)
    route, slot = int.from_bytes(place[:2], "big"), int.from_bytes(place[2:], "big")
    return (route, slot) if trace_id_of(cluster, seed, route, slot) == trace_id else None


def span_id_of(trace_id: bytes, number: int) -> bytes:
    """The id (8 bytes) of a trace's span."""
    return blake2b(trace_id + number.to_bytes(4, "big"), digest_size=8).digest()


def _masked(place: bytes, chance: bytes, cluster: str, seed: int) -> bytes:
    mask = blake2b(chance, digest_size=8, key=_key(cluster, seed)).digest()
    return bytes(left ^ right for left, right in zip(place, mask, strict=True))


def _key(cluster: str, seed: int) -> bytes:
    return f"{seed}/{cluster}".encode()[:64]
