"""Which resources a cluster's API server has now: built-in ones, the platform's, and those of written CRDs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.builtins import with_built_ins
from simulator.kubernetes.crds import CRDS, resources_of_crd
from simulator.kubernetes.current import objects_of
from simulator.kubernetes.resources import Resource, resources_of
from simulator.layout import Profile


@dataclass(frozen=True)
class Served:
    """Resources by group and version."""

    members: Mapping[tuple[str, str], Mapping[str, Resource]]
    weight: int = 1

    def __iter__(self) -> Iterator[Resource]:
        return (resource for members in self.members.values() for resource in members.values())

    @property
    def groups(self) -> dict[str, list[str]]:
        """Each group with its versions, the preferred one first."""
        found: dict[str, list[str]] = {}
        for group, version in self.members:
            found.setdefault(group, []).append(version)
        return found

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource, if the server has it."""
        return self.members.get((group, version), {}).get(plural)

    def any_version(self, group: str, plural: str) -> Resource | None:
        """The resource in the version that its group prefers."""
        return next((each for each in self if (each.group, each.plural) == (group, plural)), None)

    def built_in(self, group: str, plural: str) -> Resource:
        """A built-in resource, which every server has."""
        found = self.any_version(group, plural)
        if found is None:
            raise LookupError(f"{plural}.{group} is not built in")
        return found


def served_by(cluster: SimulatedCluster) -> Served:
    """The resources of a cluster as they are now."""
    written = cluster.overlay.written(CRDS)
    if not written:
        return _platform(cluster.layout.profile)
    key = (cluster.name, "served", written)
    made: Served = cluster.renderings.get(key, lambda: _with_custom(cluster))
    return made


@cache
def _platform(profile: Profile) -> Served:
    return _grouped(with_built_ins(resources_of(profile)))


def _with_custom(cluster: SimulatedCluster) -> Served:
    """What the platform brings along, without the kinds whose definition is gone, and the kinds that were defined."""
    platform = _platform(cluster.layout.profile)
    crds = {crd["metadata"]["name"]: crd for crd in objects_of(cluster, platform.built_in(*CRDS))}
    kept = [each for each in platform if not each.custom or f"{each.plural}.{each.group}" in crds]
    known = {(each.group, each.plural) for each in kept}
    made = [resource for crd in crds.values() for resource in resources_of_crd(crd)]
    return _grouped((*kept, *(each for each in made if (each.group, each.plural) not in known)))


def _grouped(resources: tuple[Resource, ...]) -> Served:
    members: dict[tuple[str, str], dict[str, Resource]] = {}
    for each in resources:
        members.setdefault((each.group, each.version), {})[each.plural] = each
    return Served(members)
