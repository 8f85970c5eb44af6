"""Whole lists of objects, page by page; one object that cannot be read does not lose the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from fleet.collectors.kubernetes.answers import ListExpired, NotServed
from fleet.collectors.kubernetes.client import KubernetesClient
from fleet.collectors.kubernetes.kinds import Kind
from fleet.collectors.transport.decoding import decoder_of, strictly
from fleet.errors import SourceError, WrongService

ObjectT = TypeVar("ObjectT", bound=msgspec.Struct)
ItemT = TypeVar("ItemT")

_RESTARTS = 2


@dataclass(frozen=True)
class Reading(Generic[ObjectT, ItemT]):
    """What is to be read of a kind.

    Attributes:
        kind: which objects.
        form: the struct that holds what is read of an object.
        take: gives what is kept of an object, or None to drop it; it raises ValueError for what is no such thing.
        field_selector: which of them, "" for all.
        at_most: stop after this many objects, said in ``cut_at``; None reads all.
        condense: shortens what was kept so far, in place, after each page; says whether something was lost by it.
    """

    kind: Kind
    form: type[ObjectT]
    take: Callable[[ObjectT], ItemT | None]
    field_selector: str = ""
    at_most: int | None = None
    condense: Callable[[list[ItemT]], bool] | None = None


@dataclass
class Listing(Generic[ItemT]):
    """What was read of a kind.

    Attributes:
        items: what was kept of the objects.
        error: why the list is not whole, or None.
        absent: the cluster has no such kind.
        unreadable: objects that were no such thing.
        cut_at: how many objects were read when there were too many to go on, or None.
        lossy: something of what was read was let go, since it was too much.
    """

    items: list[ItemT] = field(default_factory=list)
    error: SourceError | None = None
    absent: bool = False
    unreadable: int = 0
    cut_at: int | None = None
    lossy: bool = False

    def restart(self) -> None:
        """Forget what was read."""
        self.items.clear()
        self.unreadable = 0
        self.lossy = False


class _ListMetadata(msgspec.Struct, rename={"token": "continue"}):
    token: str | None = None


class _Page(msgspec.Struct):
    kind: str = ""
    metadata: _ListMetadata | None = None
    items: list[msgspec.Raw] | None = None


_PAGE = decoder_of(_Page)


def read_list(client: KubernetesClient, version: str, reading: Reading[ObjectT, ItemT]) -> Listing[ItemT]:
    """All objects of a kind, each turned into something smaller as soon as it is read.

    Args:
        client: of the cluster.
        version: of the kind's API group.
        reading: what to read and what to keep of it.

    A cluster that fails is no exception: what was read until then is kept beside the failure.

    Raises:
        fleet.errors.StoreError: the credential could not be had anew.
    """
    listing: Listing[ItemT] = Listing()
    try:
        _read_pages(client, reading.kind.path(version), reading, listing)
    except NotServed:
        listing.absent = True
    except SourceError as error:
        listing.error = error
    return listing


def _read_pages(client: KubernetesClient, path: str, reading: Reading[ObjectT, ItemT], listing: Listing[ItemT]) -> None:
    decoder = decoder_of(reading.form)
    token, restarts, seen = "", 0, 0
    while True:
        try:
            page = _page(client, path, reading, token)
        except ListExpired as expired:
            restarts += 1
            if restarts > _RESTARTS:
                raise
            token = expired.token
            if not token:
                listing.restart()
                seen = 0
            continue
        items = page.items or []
        seen += len(items)
        _take_items(items, decoder, reading.take, listing)
        if reading.condense is not None:
            listing.lossy |= reading.condense(listing.items)
        token = (page.metadata.token if page.metadata else None) or ""
        if not token:
            return
        if reading.at_most is not None and seen >= reading.at_most:
            listing.cut_at = seen
            return


def _page(client: KubernetesClient, path: str, reading: Reading[ObjectT, ItemT], token: str) -> _Page:
    kind = reading.kind
    query: dict[str, str | int] = {"limit": min(kind.page_size or client.limits.page_size, client.limits.page_size)}
    if reading.field_selector:
        query["fieldSelector"] = reading.field_selector
    if kind.label_selector:
        query["labelSelector"] = kind.label_selector
    if token:
        query["continue"] = token
    body = client.get(path, query, only_metadata=kind.names_only)
    place, url = f"{client.endpoint.url}{path}", client.endpoint.url
    try:
        page = _PAGE.decode(body)
    except RecursionError:
        # Custom resources may hold whatever their author likes, thousands of lists in each other among it.
        raise WrongService(f"{place} sent an object that is nested too deep to be read.", endpoint=url) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Decoding once more tells whether it was cut or is something else.
        page = strictly(_PAGE, body, url)
    if page.items is None and not page.kind.endswith("List"):
        raise WrongService(f"{place} answers with something that is no list.", endpoint=url)
    return page


def _take_items(
    items: list[msgspec.Raw],
    decoder: msgspec.json.Decoder[ObjectT],
    take: Callable[[ObjectT], ItemT | None],
    listing: Listing[ItemT],
) -> None:
    for raw in items:
        try:
            item = take(decoder.decode(raw))
        except (msgspec.DecodeError, ValueError, RecursionError):
            # ValueError: a quantity or a name that is none. RecursionError: what is nested too deep.
            listing.unreadable += 1
            continue
        if item is not None:
            listing.items.append(item)
