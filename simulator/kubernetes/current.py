"""A cluster's objects as its API server shows them: what the story makes, and over it what clients wrote."""

from __future__ import annotations

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.generated import Generated, Listing, listing_of
from simulator.kubernetes.meta import Object
from simulator.kubernetes.overlay import Kind
from simulator.kubernetes.resources import Resource


def kind_of(resource: Resource) -> Kind:
    """The kind under which a resource's objects are written, one for all its versions and forms."""
    return resource.form.kept_as if resource.form else (resource.group, resource.plural)


def key_of(namespace: str | None, name: str) -> str:
    """Where an object stands among those of its kind."""
    return f"{namespace}/{name}" if namespace else name


def revision_of(cluster: SimulatedCluster) -> int:
    """The current revision of a cluster: milliseconds of Unix time, or a little more."""
    # A write under way gets a revision before it is kept: it is waited for.
    with cluster.overlay.lock:
        return max(cluster.overlay.revision, int(cluster.observed_at() * 1000))


def listing_at(cluster: SimulatedCluster, resource: Resource, revision: int) -> Listing:
    """A kind's objects as of a revision."""
    made = listing_of(cluster, resource, min(revision / 1000, cluster.observed_at()))
    edits = cluster.overlay.edits(kind_of(resource), revision)
    if not edits:
        return made
    kept = [each for each in made.objects if each.key not in edits]
    written = [Generated(key, body) for key, body in edits.items() if body is not None]
    objects = tuple(sorted(kept + written, key=lambda each: each.key))
    return Listing(objects, tuple(each.key for each in objects))


def objects_of(cluster: SimulatedCluster, resource: Resource, namespace: str | None = None) -> list[Object]:
    """A kind's objects as they are now; those of one namespace where it is given."""
    return [each.item for each in listing_at(cluster, resource, revision_of(cluster)).within(namespace)]


def body_of(cluster: SimulatedCluster, resource: Resource, namespace: str | None, name: str) -> bytes | None:
    """The JSON of an object as it is now, as it stands in lists; None where there is none."""
    written, body = cluster.overlay.edit(kind_of(resource), key_of(namespace, name))
    if written:
        return body
    made = listing_of(cluster, resource, cluster.observed_at()).one(namespace, name)
    return None if made is None else made.body
