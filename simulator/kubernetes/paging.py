"""Lists in pages: limit, continue tokens and the revision that all pages of a list share."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.answers import RefusedError, Request, json_answer
from simulator.kubernetes.generated import Generated
from simulator.kubernetes.meta import Object
from simulator.kubernetes.status import bad_request, status

_KEPT_SECONDS = 600
"""How long an old revision can be read, like etcd's compaction."""
_VERSION = "meta.k8s.io/v1"


@dataclass(frozen=True)
class Page:
    """Items of a list in order, and the list's metadata."""

    items: Sequence[Generated]
    metadata: Object


def page_of(request: Request, now: float, items: Callable[[float], Sequence[Generated]], *, namespaced: bool) -> Page:
    """The page that a request asks for.

    Args:
        request: with ``limit``, ``continue`` and ``resourceVersion``.
        now: the current revision: Unix seconds.
        items: the whole list as of a revision, sorted by key.
        namespaced: whether the list is that of one namespace, so that tokens hold names alone.

    Raises:
        RefusedError: a parameter cannot be read (400), or the token's revision is no more (410).
    """
    limit, token = _limit(request), request.one("continue")
    revision, start = int(now), ""
    if token:
        if request.one("resourceVersion") not in {"", "0"}:
            raise bad_request("specifying resource version is not allowed when using continue")
        revision, start = _read_token(token, now)
    elif request.one("resourceVersion") == "0":
        # Served from the watch cache, which knows no limit.
        limit = 0

    def key(item: Generated) -> str:
        return f"{item.key.partition('/')[2] if namespaced else item.key}\0"

    found = items(revision)
    begin = bisect_right(found, start, key=key) if start else 0
    end = min(begin + limit, len(found)) if limit else len(found)
    metadata: Object = {"resourceVersion": str(revision)}
    if end < len(found):
        metadata["continue"] = _token(revision, key(found[end - 1]))
        metadata["remainingItemCount"] = len(found) - end
    return Page(found[begin:end], metadata)


def _limit(request: Request) -> int:
    text = request.one("limit") or "0"
    try:
        return max(0, int(text))
    except ValueError as error:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def _token(revision: int, start: str) -> str:
    text = json.dumps({"v": _VERSION, "rv": revision, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _read_token(token: str, now: float) -> tuple[int, str]:
    invalid = "invalid continue token: continue key is not valid"
    try:
        known = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        version, revision, start = known["v"], int(known["rv"]), str(known["start"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request(f"{invalid}: it cannot be decoded") from error
    if version != _VERSION:
        raise bad_request(f"{invalid}: server does not recognize this encoded version {json.dumps(version)}")
    if revision == -1:
        return int(now), start
    if revision < now - _KEPT_SECONDS:
        raise _expired(start)
    return revision, start


def _expired(start: str) -> RefusedError:
    """410 with a token that goes on at the current revision."""
    refused = status(
        410,
        "Expired",
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    )
    body = json.loads(refused.answer.body)
    body["metadata"] = {"continue": _token(-1, start)}
    return RefusedError(json_answer(body, 410))
