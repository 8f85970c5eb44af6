"""Lists in pages: limit, continue tokens and the revision that all pages of a list share."""

from __future__ import annotations

import base64
import binascii
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.answers import RefusedError, Request, json_answer
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.generated import Generated
from simulator.kubernetes.meta import Object
from simulator.kubernetes.status import Cause, bad_request, invalid, plain_failure, status, too_new

_KEPT_MILLISECONDS = 600_000
"""How long an old revision can be read, like etcd's compaction."""
_VERSION = "meta.k8s.io/v1"


@dataclass(frozen=True)
class Page:
    """Items of a list in order, and the list's metadata."""

    items: Sequence[Generated]
    metadata: Object


def page_of(
    request: Request,
    cluster: SimulatedCluster,
    now: int,
    items: Callable[[int], Sequence[Generated]],
    *,
    namespaced: bool,
) -> Page:
    """The page that a request asks for.

    Args:
        request: with ``limit``, ``continue``, ``resourceVersion`` and ``resourceVersionMatch``.
        cluster: whose list it is.
        now: the current revision.
        items: the whole list as of a revision, sorted by key.
        namespaced: whether the list is that of one namespace, so that tokens hold names alone.

    Raises:
        RefusedError: a parameter cannot be read (400, 500) or fits no other (422), or the revision is no more (410)
            or still to come (504).
    """
    limit, token = _limit(request), request.one("continue")
    revision, start = now, ""
    if token:
        if request.one("resourceVersion") not in {"", "0"}:
            raise bad_request("specifying resource version is not allowed when using continue")
        revision, start = _read_token(token, cluster, now)
    else:
        wanted = revision_asked(request, now)
        if request.one("resourceVersionMatch") == "Exact":
            revision = _readable(wanted, cluster, now)
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


def revision_asked(request: Request, now: int) -> int:
    """The ``resourceVersion`` of a request; 0 where it has none.

    Raises:
        RefusedError: it is no number (500), lies ahead (504), or is to be matched and not there (422).
    """
    text = request.one("resourceVersion")
    if request.one("resourceVersionMatch") and not text:
        why = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise invalid("ListOptions", "meta.k8s.io", "", Cause("FieldValueForbidden", "resourceVersionMatch", why))
    if not re.fullmatch(r"\d*", text):
        why = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise plain_failure(500, f'resourceVersion: Invalid value: "{text}": {why}')
    revision = int(text or 0)
    if revision > now:
        raise too_new(revision, now)
    return revision


def _readable(revision: int, cluster: SimulatedCluster, now: int) -> int:
    if revision < now - _KEPT_MILLISECONDS or revision < cluster.overlay.compacted:
        raise status(410, "Expired", "The resourceVersion for the provided list is too old.")
    return revision


def _read_token(token: str, cluster: SimulatedCluster, now: int) -> tuple[int, str]:
    said = "invalid continue token: continue key is not valid"
    try:
        known = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        version, revision, start = known["v"], int(known["rv"]), str(known["start"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request(f"{said}: it cannot be decoded") from error
    if version != _VERSION:
        raise bad_request(f"{said}: server does not recognize this encoded version {json.dumps(version)}")
    if revision == -1:
        return now, start
    if revision < now - _KEPT_MILLISECONDS or cluster.overlay.expires(revision):
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
