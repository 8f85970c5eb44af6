"""Silences: made, changed and ended by clients."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any
from uuid import uuid4

from simulator.alertmanager.bodies import TOO_FEW, WRONG_TYPE, invalid, need, refused, time_of
from simulator.alertmanager.matchers import BadMatcherError, Matcher, all_hold
from simulator.truth import rfc3339

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Silence:
    """Alerts with labels that fulfil all matchers are not told of for a while. Times are Unix seconds."""

    id: str
    matchers: tuple[Matcher, ...]
    start: float
    end: float
    updated: float
    created_by: str
    comment: str

    def state(self, at: float) -> str:
        """``pending``, ``active`` or ``expired``."""
        if at < self.start:
            return "pending"
        return "active" if at < self.end else "expired"

    def document(self, at: float) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "status": {"state": self.state(at)},
            "updatedAt": milliseconds(self.updated),
            "comment": self.comment,
            "createdBy": self.created_by,
            "endsAt": milliseconds(self.end),
            "matchers": [each.document for each in self.matchers],
            "startsAt": milliseconds(self.start),
        }


class Silences:
    """A cluster's silences; one of its servers' states."""

    def __init__(self) -> None:
        self._by_id: dict[str, Silence] = {}
        self._lock = Lock()

    def put(self, document: Any) -> str:
        """Makes a silence, or changes one whose id it names; the id of what is there then.

        Raises:
            RefusedError: it does not fit (422), makes no sense (400) or names an unknown one (404).
        """
        now = time.time()
        made = _read(document, now)
        with self._lock:
            known = self._by_id.get(made.id)
            if made.id and known is None:
                raise refused("silence not found", 404)
            if known is not None and known.state(now) != "expired" and known.matchers == made.matchers:
                start = known.start if known.state(now) == "active" else made.start
                self._by_id[made.id] = replace(made, start=start)
                return made.id
            if known is not None:
                self._by_id[known.id] = _ended(known, now)
            made = replace(made, id=str(uuid4()))
            self._by_id[made.id] = made
            return made.id

    def end(self, silence_id: str) -> bool:
        """Ends a silence from now on; whether there is one."""
        now = time.time()
        with self._lock:
            known = self._by_id.get(silence_id)
            if known is not None:
                self._by_id[silence_id] = _ended(known, now)
        return known is not None

    def get(self, silence_id: str) -> Silence | None:
        """One silence, whatever its state."""
        return self._by_id.get(silence_id)

    def all(self, matchers: Sequence[Matcher]) -> list[Silence]:
        """Those whose own matchers, taken as labels, fulfil these; active ones first, then pending and expired ones."""
        now = time.time()
        with self._lock:
            found = list(self._by_id.values())
        chosen = [each for each in found if all_hold(matchers, {own.name: own.value for own in each.matchers})]
        return sorted(chosen, key=lambda each: _order(each, now))

    def silencing(self, labels: Mapping[str, str]) -> list[str]:
        """The ids of the active silences that an alert falls under."""
        now = time.time()
        with self._lock:
            found = list(self._by_id.values())
        return sorted(each.id for each in found if each.state(now) == "active" and all_hold(each.matchers, labels))


def check_id(silence_id: str) -> None:
    """Refuses what is no id of a silence (422)."""
    if not _UUID.fullmatch(silence_id):
        raise invalid(WRONG_TYPE, f'silenceID in path must be of type uuid: "{silence_id}"')


def milliseconds(at: float) -> str:
    """Unix seconds as RFC 3339 in UTC with milliseconds."""
    whole, rest = divmod(round(at * 1000), 1000)
    return rfc3339(whole).replace("Z", f".{rest:03d}Z")


def _order(silence: Silence, now: float) -> tuple[int, float]:
    state = silence.state(now)
    if state == "active":
        return 0, silence.end
    return (1, silence.start) if state == "pending" else (2, -silence.end)


def _ended(silence: Silence, now: float) -> Silence:
    if silence.state(now) == "expired":
        return silence
    return replace(silence, start=min(silence.start, now), end=now, updated=now)


def _read(document: Any, now: float) -> Silence:
    if not isinstance(document, dict):
        raise invalid(WRONG_TYPE, "silence in body must be of type object")
    need(document, "matchers", "startsAt", "endsAt", "createdBy", "comment")
    if not document["matchers"]:
        raise invalid(TOO_FEW, "matchers in body should have at least 1 items")
    start, end = time_of(document, "startsAt", now), time_of(document, "endsAt", now)
    if start >= end:
        raise refused("Failed to create silence: start time must be before end time")
    if end < now:
        raise refused("Failed to create silence: end time can't be in the past")
    matchers = tuple(_matcher(place, each) for place, each in enumerate(document["matchers"]))
    if all(each.holds("") for each in matchers):
        raise refused("invalid silence: at least one matcher must not match the empty string")
    return Silence(
        id=str(document.get("id") or ""),
        matchers=matchers,
        start=max(start, now),
        end=end,
        updated=now,
        created_by=str(document["createdBy"]),
        comment=str(document["comment"]),
    )


def _matcher(place: int, document: Any) -> Matcher:
    need(document, "name", "value", "isRegex", place=f"matchers.{place}.")
    try:
        return Matcher(
            str(document["name"]),
            str(document["value"]),
            is_equal=document.get("isEqual", True) is not False,
            is_regex=document["isRegex"] is True,
        )
    except BadMatcherError as error:
        text = f'invalid regular expression "{document["value"]}": {error}'
        raise refused(f"invalid silence: invalid label matcher {place}: {text}") from error
