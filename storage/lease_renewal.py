"""Keeping leases alive while their requests run, which may be longer than a lease lasts."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence

from fleet.errors import StoreError

Renew = Callable[[str, Sequence[str]], None]
"""Makes an endpoint's leases last from now on; raises StoreError where it cannot."""


class LeaseRenewal:
    """Renews what this process holds, from a thread that is there while anything is held.

    Args:
        renew: how an endpoint's leases are renewed.
        seconds: between two renewals; a lease lasts several times as long.
    """

    def __init__(self, renew: Renew, seconds: float) -> None:
        self._renew = renew
        self._seconds = seconds
        self._held: dict[str, str] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, lease: str, endpoint: str) -> None:
        """Renew a lease from now on."""
        with self._lock:
            self._held[lease] = endpoint
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lease-renewal", daemon=True)
                self._thread.start()

    def drop(self, lease: str) -> None:
        """Renew a lease no more: once this returns, no renewal of it is under way either."""
        with self._lock:
            self._held.pop(lease, None)

    def _run(self) -> None:
        seen: set[str] = set()
        pause = threading.Event()
        while True:
            pause.wait(self._seconds)
            with self._lock:
                if not self._held:
                    self._thread = None
                    return
                # A lease that has come since the last round has time until the next one.
                seen = self._renewed(seen & self._held.keys())

    def _renewed(self, due: set[str]) -> set[str]:
        """Renew those that are due; returns what is due next time. A store that fails is asked again then."""
        by_endpoint: defaultdict[str, list[str]] = defaultdict(list)
        for lease in due:
            by_endpoint[self._held[lease]].append(lease)
        for endpoint, leases in sorted(by_endpoint.items()):
            try:
                self._renew(endpoint, leases)
            except StoreError:
                break
        return set(self._held)
