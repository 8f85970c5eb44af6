"""Rotation: a new credential is tried at every endpoint before it becomes current; until then the old one serves."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.collectors.validation import validate_cluster
from fleet.credentials import ClusterCredential, Credential, GivenCredential
from fleet.errors import UsageError
from fleet.inventory.cluster import Cluster, EndpointKind
from fleet.inventory.validation import ClusterValidation, EndpointStatus, Right
from storage.credentials.store import CredentialStore, StoredVersion


@dataclass(frozen=True)
class Rotation:
    """What came of a rotation.

    Attributes:
        concerned: the endpoints that take the new credential.
        before: the cluster with the credential that was current.
        after: the cluster with the new one.
        stored: the version that is current now; None when the rotation was refused, and nothing changed.
    """

    concerned: frozenset[EndpointKind]
    before: ClusterValidation
    after: ClusterValidation
    stored: StoredVersion | None = None

    @property
    def would_break(self) -> list[EndpointKind]:
        """Endpoints that answer the current credential and not the new one."""
        return sorted(_sound(self.before) - _sound(self.after))

    @property
    def serves(self) -> bool:
        """Whether the new credential is fit to become current: nothing breaks, and something takes it."""
        return not self.would_break and bool(self.concerned & _sound(self.after))

    @property
    def lost_rights(self) -> list[Right]:
        """Rights that the current credential has and the new one is known not to have."""
        before = {review.right for review in self.before.rights if review.allowed}
        return [right for right in self.after.missing_rights if right in before]


def rotate_credential(
    store: CredentialStore, cluster: Cluster, credential: Credential, endpoint: EndpointKind | None = None
) -> Rotation:
    """Try a new credential at all of a cluster's endpoints and make it current if nothing breaks by it.

    Args:
        store: holds the cluster's credential.
        cluster: as it is registered.
        credential: the new one.
        endpoint: the one endpoint that it is for; None for all that have none of their own.

    Raises:
        UsageError: the cluster needs no credential, or none of its endpoints takes this one.
        CredentialMissing: nothing is stored that could be replaced.
        CredentialConflict: another one became current meanwhile.
        StoreError: the store cannot be reached, or refuses.
    """
    if cluster.credential_ref is None:
        raise UsageError(
            f"Cluster {cluster.name} is registered without a credential.",
            hint="Give it one with fleetscope cluster update.",
        )
    replaced = store.version(cluster.credential_ref)
    current = store.get(cluster.credential_ref, refresh=True)
    new = _with(current, credential, endpoint)
    concerned = frozenset(
        kind for kind in cluster.endpoints if kind is endpoint or (endpoint is None and kind not in current.endpoints)
    )
    if not concerned:
        raise UsageError(
            f"No endpoint of cluster {cluster.name} takes this credential.",
            hint="Name one of its endpoints with --endpoint: see fleetscope cluster show.",
        )
    tried = Rotation(concerned, before=_validated(cluster, current), after=_validated(cluster, new))
    if not tried.serves:
        return tried
    number = replaced.number if replaced else 0
    stored = store.put(cluster.credential_ref, new, replaces=number)
    return Rotation(concerned, tried.before, tried.after, stored)


def _with(current: ClusterCredential, credential: Credential, endpoint: EndpointKind | None) -> ClusterCredential:
    if endpoint is None:
        return ClusterCredential(default=credential, endpoints=current.endpoints)
    return ClusterCredential(default=current.default, endpoints={**current.endpoints, endpoint.value: credential})


def _validated(cluster: Cluster, credential: ClusterCredential) -> ClusterValidation:
    return validate_cluster(cluster, lambda kind: GivenCredential(credential.for_endpoint(kind)))


def _sound(validation: ClusterValidation) -> set[EndpointKind]:
    return {each.kind for each in validation.endpoints if each.status is EndpointStatus.OK}
