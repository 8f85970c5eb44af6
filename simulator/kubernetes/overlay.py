"""What clients wrote over the objects that a cluster's story makes, with every revision of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

import orjson

Object = dict[str, Any]
Kind = tuple[str, str]
"""A kind of object by its API group and its plural, whatever the version."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write: how it stands in watches, the object as it became, and as it was.

    Attributes:
        body: the object's JSON; of a deleted one its last, with the revision of the deletion.
        before: the JSON of what it was; None for a new object.
    """

    revision: int
    type: str
    kind: Kind
    key: str
    body: bytes
    before: bytes | None


@dataclass
class Overlay:
    """Writes by kind and key (``namespace/name``, or the name alone). Threads may share it.

    Attributes:
        lock: held over reading an object and writing what becomes of it.
        revision: that of the last write; 0 when nothing was written. Revisions are milliseconds of Unix time, and
            higher where writes follow each other faster.
        compacted: revisions below it can no longer be read.
    """

    lock: RLock = field(default_factory=RLock)
    revision: int = 0
    compacted: int = 0
    _changes: list[Change] = field(default_factory=list)
    _edits: dict[Kind, dict[str, list[tuple[int, bytes | None]]]] = field(default_factory=dict)
    _last: dict[Kind, int] = field(default_factory=dict)
    _listeners: set[Callable[[], None]] = field(default_factory=set)
    _expiring: int = 0

    def next_revision(self, now: float) -> int:
        """The revision that the next write gets, later than any that a reader was shown; ``now`` is in Unix seconds."""
        return max(self.revision, int(now * 1000)) + 1

    def put(self, kind: Kind, key: str, item: Object, before: bytes | None) -> Change:
        """Keeps an object under the revision in its metadata; ``before`` is what it replaces."""
        body = orjson.dumps(item)
        revision = int(item["metadata"]["resourceVersion"])
        return self._keep(Change(revision, "MODIFIED" if before else "ADDED", kind, key, body, before), body)

    def remove(self, kind: Kind, key: str, last: Object) -> Change:
        """Removes an object; ``last`` carries the revision of its removal."""
        body = orjson.dumps(last)
        return self._keep(Change(int(last["metadata"]["resourceVersion"]), "DELETED", kind, key, body, body), None)

    def _keep(self, change: Change, body: bytes | None) -> Change:
        with self.lock:
            self.revision = max(self.revision, change.revision)
            self._changes.append(change)
            self._last[change.kind] = change.revision
            self._edits.setdefault(change.kind, {}).setdefault(change.key, []).append((change.revision, body))
            listeners = list(self._listeners)
        for wake in listeners:
            wake()
        return change

    def edits(self, kind: Kind, revision: int) -> dict[str, bytes | None]:
        """What a kind's objects were written to be as of a revision, by key; None for those that were deleted."""
        written = self._edits.get(kind)
        if not written:
            return {}
        found: dict[str, bytes | None] = {}
        with self.lock:
            for key, versions in written.items():
                at = bisect_right(versions, revision, key=lambda version: version[0])
                if at:
                    found[key] = versions[at - 1][1]
        return found

    def written(self, kind: Kind) -> int:
        """The revision of the last write to a kind; 0 when it was never written."""
        return self._last.get(kind, 0)

    def edit(self, kind: Kind, key: str) -> tuple[bool, bytes | None]:
        """Whether an object was ever written, and what it is now."""
        versions = self._edits.get(kind, {}).get(key)
        return (True, versions[-1][1]) if versions else (False, None)

    def since(self, kind: Kind, revision: int) -> Sequence[Change]:
        """The writes to a kind after a revision, oldest first."""
        with self.lock:
            begin = bisect_right(self._changes, revision, key=lambda change: change.revision)
            return [change for change in self._changes[begin:] if change.kind == kind]

    @contextmanager
    def heard_by(self, wake: Callable[[], None]) -> Iterator[None]:
        """Calls ``wake`` after each write, from the thread that wrote."""
        with self.lock:
            self._listeners.add(wake)
        try:
            yield
        finally:
            with self.lock:
                self._listeners.discard(wake)

    def compact(self, now: float) -> None:
        """Forgets that older revisions could be read: continue tokens and watches from before are too old."""
        with self.lock:
            self.compacted = self.revision = self.next_revision(now)

    def expire(self, times: int) -> None:
        """Lets the next continue tokens, as many as said, be too old."""
        with self.lock:
            self._expiring = times

    def expires(self, revision: int) -> bool:
        """Whether a continue token of a revision is too old."""
        with self.lock:
            if self._expiring:
                self._expiring -= 1
                return True
            return revision < self.compacted
