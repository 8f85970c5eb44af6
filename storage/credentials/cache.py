"""What was read from a credential store, kept in memory for a short time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from fleet.credentials import ClusterCredential

CACHE_SECONDS = 60.0
"""How long a credential is used before the store is asked again: so late a rotation is noticed, at most."""


@dataclass(frozen=True)
class _Entry:
    expires_at: float
    credential: ClusterCredential


class CredentialCache:
    """Credentials by reference, each at most a minute old; threads share it.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._entries: dict[str, _Entry] = {}
        self._forgotten = 0

    def __repr__(self) -> str:
        return f"CredentialCache({len(self._entries)} references)"

    def get(self, ref: str, read: Callable[[], ClusterCredential], *, refresh: bool = False) -> ClusterCredential:
        """The credential as it was read less than a minute ago, or as ``read`` gives it now.

        Args:
            ref: the reference.
            read: asks the store; what it raises passes through.
            refresh: ask the store in any case.
        """
        asked_at = self._clock()
        with self._lock:
            forgotten = self._forgotten
            entry = self._entries.get(ref)
        if entry is not None and asked_at < entry.expires_at and not refresh:
            return entry.credential
        credential = read()
        with self._lock:
            # What was read before another thread wrote would hide the newer one for a minute.
            if self._forgotten == forgotten:
                self._drop_expired()
                self._entries[ref] = _Entry(asked_at + CACHE_SECONDS, credential)
        return credential

    def forget(self, ref: str) -> None:
        """Ask the store the next time, since the reference was written."""
        with self._lock:
            self._forgotten += 1
            self._entries.pop(ref, None)

    def _drop_expired(self) -> None:
        """Secrets that nobody asks for any more do not stay in memory."""
        now = self._clock()
        self._entries = {ref: entry for ref, entry in self._entries.items() if now < entry.expires_at}
