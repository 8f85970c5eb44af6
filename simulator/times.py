"""Times and durations as Prometheus reads them in its parameters."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_UNIT_MS = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1000, 1)


def milliseconds_of_time(text: str) -> int:
    """Unix seconds (with fraction) or RFC 3339 as milliseconds.

    Raises:
        ValueError: it is neither.
    """
    if _NUMBER.fullmatch(text):
        return round(float(text) * 1000)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f'cannot parse "{text}" to a valid timestamp') from error
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def milliseconds_of_duration(text: str) -> int:
    """Seconds (with fraction) or a duration such as ``1h30m`` as milliseconds.

    Raises:
        ValueError: it is neither.
    """
    if _NUMBER.fullmatch(text):
        return round(float(text) * 1000)
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f'cannot parse "{text}" to a valid duration')
    return sum(int(part) * unit for part, unit in zip(match.groups(), _UNIT_MS, strict=True) if part)
