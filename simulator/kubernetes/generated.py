"""A kind's objects as the story makes them, rendered once and in the order in which the API server lists them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

import orjson

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object
from simulator.kubernetes.resources import Resource


@dataclass(frozen=True, slots=True)
class Generated:
    """One object: where it stands in lists and its JSON as it stands there.

    Attributes:
        key: ``namespace/name``, or the name alone for an object of the whole cluster.
        body: the JSON of a list's item.
    """

    key: str
    body: bytes

    @property
    def item(self) -> Object:
        """The object, anew each time: it may be changed."""
        made: Object = orjson.loads(self.body)
        return made


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a kind at one moment, sorted by key."""

    objects: tuple[Generated, ...]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, items: Iterable[Object]) -> Listing:
        """A listing of objects in any order."""
        made = sorted((Generated(_key(item), orjson.dumps(item)) for item in items), key=attrgetter("key"))
        return cls(tuple(made), tuple(each.key for each in made))

    def within(self, namespace: str | None) -> tuple[Generated, ...]:
        """The objects of one namespace; all of them for None."""
        if namespace is None:
            return self.objects
        # "0" follows "/" in ASCII.
        return self.objects[bisect_left(self.keys, f"{namespace}/") : bisect_left(self.keys, f"{namespace}0")]

    def one(self, namespace: str | None, name: str) -> Generated | None:
        """The object with this name, if there is one."""
        key = name if namespace is None else f"{namespace}/{name}"
        at = bisect_left(self.keys, key)
        return self.objects[at] if at < len(self.keys) and self.keys[at] == key else None

    def after(self, key: str) -> tuple[Generated, ...]:
        """The objects behind a key, which need not be that of an object."""
        return self.objects[bisect_right(self.keys, key) :]

    @property
    def weight(self) -> int:
        """Its bytes in memory, roughly."""
        return sum(len(each.body) + 300 for each in self.objects)


def listing_of(cluster: SimulatedCluster, resource: Resource, at: float) -> Listing:
    """The objects of a kind as of a time (Unix seconds), rendered once for as long as nothing about them changes."""
    moment = cluster.timeline.settled(at)
    if resource.refreshed_seconds is not None:
        moment = max(moment, at - at % resource.refreshed_seconds)
    key = (cluster.name, resource.group, resource.plural, moment)
    listing: Listing = cluster.renderings.get(key, lambda: Listing.of(resource.objects(cluster, moment)))
    return listing


def _key(item: Object) -> str:
    metadata = item["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else str(metadata["name"])
