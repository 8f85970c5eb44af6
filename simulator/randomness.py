"""Chance that can be asked twice: every draw follows from the text that names it."""

from __future__ import annotations

import random
from hashlib import blake2b
from uuid import UUID


def stream(*names: object) -> random.Random:
    """A stream of draws that is the same for the same names, in every process and after every restart."""
    return random.Random("/".join(map(str, names)))  # noqa: S311 - invented data, no secret


def uniforms(*names: object) -> tuple[float, float, float, float]:
    """Four numbers in 0..1 for a name, cheaper than a stream."""
    digest = blake2b("/".join(map(str, names)).encode(), digest_size=32).digest()
    first, second, third, fourth = (int.from_bytes(digest[at : at + 8], "big") / 2**64 for at in (0, 8, 16, 24))
    return first, second, third, fourth


def token_of(length: int, *names: object) -> str:
    """Letters and digits as Kubernetes puts them at the end of generated names (no vowels, no 0, 1, 3)."""
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    digest = blake2b("/".join(map(str, names)).encode(), digest_size=32).digest()
    return "".join(alphabet[byte % len(alphabet)] for byte in digest[:length])


def uid_of(*names: object) -> str:
    """A UUID for a name."""
    return str(UUID(bytes=blake2b("/".join(map(str, names)).encode(), digest_size=16).digest(), version=4))


def number_of(*names: object) -> int:
    """A 64-bit number for a name."""
    return int.from_bytes(blake2b("/".join(map(str, names)).encode(), digest_size=8).digest(), "big")
