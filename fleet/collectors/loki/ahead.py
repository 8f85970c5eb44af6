"""The next stretch of time, asked for while the one before it is being decoded."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

PageT = TypeVar("PageT")
_AT_ONCE = 2


@dataclass(frozen=True)
class Stretch(Generic[PageT]):
    """From the first nanosecond until before the last: what was asked for, with which limit, and its answer to come."""

    first: int
    last: int
    limit: int
    answer: Future[PageT]


class Ahead(Generic[PageT]):
    """Asks for stretches in threads of its own, two at a time at most."""

    def __init__(self, ask: Callable[[int, int, int], PageT]) -> None:
        self._ask = ask
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="loki-ahead")

    def begin(self, first: int, last: int, limit: int) -> Stretch[PageT]:
        """Ask for a stretch."""
        return Stretch(first, last, limit, self._threads.submit(self._ask, first, last, limit))

    def close(self) -> None:
        """Ask for nothing more; what is under way ends by itself, or with the client."""
        self._threads.shutdown(wait=False, cancel_futures=True)
