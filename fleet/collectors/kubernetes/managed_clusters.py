"""The clusters that a hub of Advanced Cluster Management (or Open Cluster Management) knows.

Format: ManagedCluster of cluster.open-cluster-management.io/v1, whose claims are those of the hub's own agents.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace

from pydantic import ValidationError

from fleet.collectors.kubernetes.client import KubernetesClient, KubernetesLimits
from fleet.collectors.kubernetes.kinds import MANAGED_CLUSTERS
from fleet.collectors.kubernetes.listing import Reading
from fleet.collectors.kubernetes.objects import Condition, Metadata, Object
from fleet.collectors.kubernetes.parts import Parts
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.collectors.transport.governor import Governor
from fleet.credentials import CredentialSource
from fleet.errors import Unreachable, UsageError, WrongService
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.managed_cluster import ManagedCluster

_GROUP = MANAGED_CLUSTERS.group
_REPEATED = ("clusterID", "name", "local-cluster")
"""Labels that repeat the object's name, or what discovery reads itself and knows newer."""
_VERSIONS = "openshiftVersion"
_ADDONS = "feature.open-cluster-management.io/"
_LABEL_CHARACTERS = 63


class _ClientConfig(Object):
    url: str | None = None
    ca_bundle: str | None = None


class _Spec(Object):
    hub_accepts_client: bool | None = None
    managed_cluster_client_configs: list[_ClientConfig] | None = None


class _Claim(Object):
    name: str
    value: str


class _Version(Object):
    kubernetes: str | None = None


class _Status(Object):
    cluster_claims: list[_Claim] | None = None
    conditions: list[Condition] | None = None
    version: _Version | None = None


class ManagedClusterObject(Object):
    """cluster.open-cluster-management.io/v1 ManagedCluster."""

    metadata: Metadata
    spec: _Spec | None = None
    status: _Status | None = None


def collect_managed_clusters(
    hub: Cluster,
    credentials: CredentialSource | None,
    limits: KubernetesLimits | None = None,
    *,
    governor: Governor | None = None,
) -> list[ManagedCluster]:
    """The clusters that a hub knows, in order of name.

    Raises:
        fleet.errors.UsageError: the cluster is no hub: its API does not serve the group.
        fleet.errors.SourceError: the list could not be read, or not whole.
        fleet.errors.StoreError: the credential could not be had.
    """
    api = hub.endpoints.get(EndpointKind.KUBERNETES)
    if api is None:
        raise Unreachable(f"No Kubernetes API is registered for cluster {hub.name}.")
    reading = Reading(replace(MANAGED_CLUSTERS, names_only=False), ManagedClusterObject, read_managed_cluster)
    with KubernetesClient(api, credentials, limits, governor=governor) as client, Parts(client) as parts:
        parts.read_groups()
        found = parts.take(parts.begin(reading))
    if MANAGED_CLUSTERS.plural in parts.absent:
        raise UsageError(
            f"{hub.name} is no hub of Advanced Cluster Management: its API does not serve {_GROUP}.",
            hint="Name the cluster on which Advanced Cluster Management or Open Cluster Management runs.",
        )
    if parts.first_error is not None:
        raise parts.first_error
    if parts.gaps:
        raise WrongService(f"ManagedClusters of {hub.name}: {parts.gaps[0].reason}.", endpoint=api.url)
    return sorted(found, key=lambda each: each.name)


def read_managed_cluster(seen: ManagedClusterObject) -> ManagedCluster:
    """A ManagedCluster from its object."""
    status = seen.status or _Status()
    labels = seen.metadata.labels or {}
    claims = {each.name: clean(each.value, _LABEL_CHARACTERS) for each in status.cluster_claims or []}
    conditions = {each.type: each.status for each in status.conditions or []}
    endpoint, problem = _endpoint(seen.spec)
    kept = {
        clean(key, NAME_CHARACTERS): clean(value, _LABEL_CHARACTERS)
        for key, value in labels.items()
        if key not in _REPEATED and not key.startswith((_VERSIONS, _ADDONS))
    }
    if platform := claims.get("platform.open-cluster-management.io"):
        kept["platform"] = platform
    return ManagedCluster(
        name=clean(seen.metadata.name, NAME_CHARACTERS),
        endpoint=endpoint,
        labels=kept,
        version=_version(claims, status),
        region=claims.get("region.open-cluster-management.io", ""),
        is_hub=seen.metadata.name == "local-cluster" or labels.get("local-cluster") == "true",
        accepted=bool(seen.spec and seen.spec.hub_accepts_client)
        and conditions.get("HubAcceptedManagedCluster") == "True",
        available={"True": True, "False": False}.get(conditions.get("ManagedClusterConditionAvailable", "")),
        problem=problem,
    )


def _version(claims: Mapping[str, str], status: _Status) -> str:
    told = claims.get("version.openshift.io") or claims.get("kubeversion.open-cluster-management.io")
    return told or clean(status.version.kubernetes if status.version else "", _LABEL_CHARACTERS)


def _endpoint(spec: _Spec | None) -> tuple[Endpoint | None, str]:
    """The first address that can be used, and why there is none."""
    problem = "the hub knows no address of its API"
    for config in (spec.managed_cluster_client_configs or []) if spec else []:
        try:
            ca = base64.b64decode(config.ca_bundle or "", validate=True).decode()
            return Endpoint(url=config.url or "", ca_pem=ca or None), ""
        except (binascii.Error, ValidationError, UnicodeDecodeError):
            problem = "the address or the authority that the hub has of it cannot be used"
    return None, problem
