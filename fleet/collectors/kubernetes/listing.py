"""Whole lists of objects, page by page; one object that cannot be read does not lose the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from fleet.collectors.kubernetes.answers import ListExpired, NotServed
from fleet.collectors.kubernetes.client import KubernetesClient
from fleet.errors import AnswerTruncated, SourceError

ObjectT = TypeVar("ObjectT", bound=msgspec.Struct)
ItemT = TypeVar("ItemT")

_RESTARTS = 2


@dataclass(frozen=True)
class Kind(Generic[ObjectT]):
    """A kind of objects to list.

    Attributes:
        part: the inventory's part, as gaps name it: also the resource's plural name.
        group: the API group, "" for the core group.
        path: of the list over all namespaces.
        form: the struct that holds what is read of an object.
        selector: a field selector, "" for all objects.
    """

    part: str
    group: str
    path: str
    form: type[ObjectT]
    selector: str = ""


@dataclass
class Listing(Generic[ItemT]):
    """What was read of a kind.

    Attributes:
        items: what was kept of the objects.
        error: why the list is not whole, or None.
        absent: the cluster has no such kind.
        unreadable: objects that were no such thing.
        cut_at: how many objects were read when there were too many to go on, or None.
    """

    items: list[ItemT] = field(default_factory=list)
    error: SourceError | None = None
    absent: bool = False
    unreadable: int = 0
    cut_at: int | None = None


class _ListMetadata(msgspec.Struct, rename={"token": "continue"}):
    token: str | None = None


class _Page(msgspec.Struct):
    metadata: _ListMetadata | None = None
    items: list[msgspec.Raw] | None = None


_PAGE = msgspec.json.Decoder(_Page)


def read_list(
    client: KubernetesClient,
    kind: Kind[ObjectT],
    take: Callable[[ObjectT], ItemT | None],
    at_most: int | None = None,
) -> Listing[ItemT]:
    """All objects of a kind, each turned into something smaller as soon as it is read.

    Args:
        client: of the cluster.
        kind: what to list.
        take: gives what is kept of an object, or None to drop it.
        at_most: stop after this many objects, said in ``cut_at``; None reads all.

    Never raises a SourceError: what was read until then is kept beside it.
    """
    listing: Listing[ItemT] = Listing()
    try:
        _read_pages(client, kind, take, at_most, listing)
    except NotServed:
        listing.absent = True
    except SourceError as error:
        listing.error = error
    return listing


def _read_pages(
    client: KubernetesClient,
    kind: Kind[ObjectT],
    take: Callable[[ObjectT], ItemT | None],
    at_most: int | None,
    listing: Listing[ItemT],
) -> None:
    decoder = msgspec.json.Decoder(kind.form)
    token, restarts, seen = "", 0, 0
    while True:
        try:
            page = _page(client, kind, token)
        except ListExpired as expired:
            restarts += 1
            if restarts > _RESTARTS:
                raise
            token = expired.token
            if not token:
                listing.items.clear()
                listing.unreadable = seen = 0
            continue
        items = page.items or []
        seen += len(items)
        _take_items(items, decoder, take, listing)
        token = (page.metadata.token if page.metadata else None) or ""
        if not token:
            return
        if at_most is not None and seen >= at_most:
            listing.cut_at = seen
            return


def _page(client: KubernetesClient, kind: Kind[ObjectT], token: str) -> _Page:
    query: dict[str, str | int] = {"limit": client.limits.page_size}
    if kind.selector:
        query["fieldSelector"] = kind.selector
    if token:
        query["continue"] = token
    body = client.get(kind.path, query)
    try:
        return _PAGE.decode(body)
    except msgspec.DecodeError:
        raise AnswerTruncated(
            f"{client.endpoint.url}{kind.path} did not send a whole list.", endpoint=client.endpoint.url
        ) from None


def _take_items(
    items: list[msgspec.Raw],
    decoder: msgspec.json.Decoder[ObjectT],
    take: Callable[[ObjectT], ItemT | None],
    listing: Listing[ItemT],
) -> None:
    for raw in items:
        try:
            item = take(decoder.decode(raw))
        except (msgspec.DecodeError, ValueError):
            # ValueError: a quantity or a name that is none.
            listing.unreadable += 1
            continue
        if item is not None:
            listing.items.append(item)
