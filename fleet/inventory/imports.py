"""Clusters found somewhere else, sorted out against the registry: new, known, or not to be taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from fleet.credentials import ClusterCredential, Credential
from fleet.inventory.cluster import Cluster, EndpointKind
from fleet.inventory.registration import brought_up_to_date


class FoundCluster(BaseModel):
    """A cluster that an import found.

    Attributes:
        source: what it was found as, for example ``context edge-1``.
        cluster: as it would be registered if nothing were known of it.
        name_is_given: whether its name was asked for, and not made from what it is called there.
        is_claimed: whether its address and authority are what its own agents tell, who could tell another's.
        credential: for all of its endpoints, or None where the import brings none.
        notes: what should be known of it.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    cluster: Cluster
    name_is_given: bool = False
    is_claimed: bool = False
    credential: Credential | None = None
    notes: list[str] = []


class SkippedCluster(BaseModel):
    """A cluster that is not taken, why, and what to run to change that."""

    model_config = ConfigDict(frozen=True)

    source: str
    reason: str
    commands: list[str] = []


def sorted_out(
    found: Iterable[FoundCluster], registered: Sequence[Cluster]
) -> tuple[list[FoundCluster], list[SkippedCluster]]:
    """Those to register, as they shall be registered, and those that cannot be.

    A cluster is known by its API server's address. One that is registered keeps its name, whatever it is called where
    it was found; a name that belongs to another cluster is not taken from it. What a cluster only claims changes no
    address or authority that is registered, and no stored credential comes to be sent there by it.
    """
    taken: list[FoundCluster] = []
    skipped: list[SkippedCluster] = []
    by_name = {cluster.name: cluster for cluster in registered}
    by_address = {_address(cluster): cluster for cluster in registered if _address(cluster)}
    sources: dict[str, str] = {}
    addresses: dict[str, str] = {}
    for each in found:
        address = _address(each.cluster)
        known = by_address.get(address) if address else by_name.get(each.cluster.name)
        reason = _obstacle(each, known, by_name, sources, addresses)
        if reason:
            skipped.append(SkippedCluster(source=each.source, reason=reason))
            continue
        current = _as_known(each, known or by_name.get(each.cluster.name))
        sources[current.cluster.name] = each.source
        if address:
            addresses[address] = each.source
        taken.append(current)
    return taken, skipped


def with_default(stored: ClusterCredential, default: Credential) -> ClusterCredential:
    """What a cluster's reference shall hold when an import brings a credential.

    It takes the place of the default and of the Kubernetes API's own; those of other endpoints stay.
    """
    own = {kind: each for kind, each in stored.endpoints.items() if kind != EndpointKind.KUBERNETES}
    return ClusterCredential(default=default, endpoints=own)


def _obstacle(
    found: FoundCluster,
    known: Cluster | None,
    by_name: Mapping[str, Cluster],
    sources: Mapping[str, str],
    addresses: Mapping[str, str],
) -> str:
    name, address = found.cluster.name, _address(found.cluster)
    if address in addresses:
        return f"it has the same API server as {addresses[address]}, which is taken"
    if known is not None and found.name_is_given and known.name != name:
        return f"its API server is registered already, as {known.name}"
    name = known.name if known is not None else name
    if name in sources:
        return f"its name would be {name}, as that of {sources[name]}; take it alone, with --name"
    holder = by_name.get(name)
    if holder is not None and address and _address(holder) not in {"", address}:
        return (
            f"its name would be {name}, which is a cluster with another API server ({_address(holder)}): "
            f"take it alone, with --name, or change that one's address with `fleetscope cluster update {name}`"
        )
    if address and holder is not None and _would_be_sent(found, holder):
        return (
            f"{name} is registered without its API server, and its stored credential would be sent to {address}: "
            f"if that is right, `fleetscope cluster update {name} --kubernetes {address}`"
        )
    return ""


def _would_be_sent(found: FoundCluster, holder: Cluster) -> bool:
    """Whether a stored credential would come to be sent to an address that is only claimed."""
    is_new_address = bool(holder.credential_ref) and not _address(holder)
    return is_new_address and found.is_claimed and found.credential is None


def _as_known(found: FoundCluster, known: Cluster | None) -> FoundCluster:
    notes = list(found.notes)
    if known is not None and known.name != found.cluster.name:
        notes.append(f"it is registered as {known.name} and keeps that name")
    cluster = brought_up_to_date(known, found.cluster)
    if known is not None and found.is_claimed:
        cluster = cluster.model_copy(update={"endpoints": {**found.cluster.endpoints, **known.endpoints}})
        if any(found.cluster.endpoints[kind] != cluster.endpoints[kind] for kind in found.cluster.endpoints):
            notes.append("its registered authority stays: it is told another one, or another way to verify it")
    if known is not None and known.credential_ref is None and found.credential is not None:
        # What was inactive for want of a credential has one now.
        cluster = cluster.model_copy(update={"active": True})
    return found.model_copy(update={"cluster": cluster, "notes": notes})


def _address(cluster: Cluster) -> str:
    endpoint = cluster.endpoints.get(EndpointKind.KUBERNETES)
    return endpoint.url if endpoint else ""
