"""When to stop asking an endpoint: the rest of a pack is not tried against a server that is down."""

from __future__ import annotations

import threading

from fleet.errors import Forbidden, HeldBack, QueryRefused, SourceError, TlsFailed, Unauthorized, Unreachable

_FINAL = (Unreachable, TlsFailed, Unauthorized, Forbidden, HeldBack)


class Breaker:
    """Opens after one fault that holds for every query, or several in a row that may be the query's own.

    Threads share it. A refused query is an answer: it counts as the server being there.
    """

    def __init__(self, failures: int) -> None:
        self._failures = failures
        self._in_a_row = 0
        self._lock = threading.Lock()
        self._fault: SourceError | None = None

    @property
    def fault(self) -> SourceError | None:
        """The fault that opened it; None while it is closed."""
        return self._fault

    def succeeded(self) -> None:
        """A query was answered."""
        with self._lock:
            self._in_a_row = 0

    def failed(self, error: SourceError) -> None:
        """A query was not answered, after all its tries."""
        with self._lock:
            if isinstance(error, QueryRefused):
                self._in_a_row = 0
                return
            self._in_a_row += 1
            if self._fault is None and (isinstance(error, _FINAL) or self._in_a_row >= self._failures):
                self._fault = error
