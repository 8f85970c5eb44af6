"""Clusters to import: those of a kubeconfig's contexts, and those that a hub manages."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from fleet.credentials import Credential
from fleet.inventory.cluster import Cluster, EndpointKind
from fleet.inventory.imports import FoundCluster, SkippedCluster
from fleet.inventory.kubeconfig import KubeconfigContext
from fleet.inventory.managed_cluster import ManagedCluster
from fleet.inventory.naming import cluster_name_of


class Given(BaseModel):
    """What whoever imports says of every cluster; a credential takes the place of the source's own."""

    model_config = ConfigDict(frozen=True)

    environment: str = ""
    region: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    credential: Credential | None = None


def clusters_of_contexts(
    contexts: Iterable[KubeconfigContext], given: Given, name: str = ""
) -> tuple[list[FoundCluster], list[SkippedCluster]]:
    """The contexts that can be used as clusters, and why the others cannot.

    Args:
        contexts: of a kubeconfig.
        given: what is said of all of them.
        name: of the cluster, where there is one context; "" for one made from the context's.
    """
    found: list[FoundCluster] = []
    skipped: list[SkippedCluster] = []
    for context in contexts:
        source = f"context {context.name}"
        credential = given.credential or context.credential
        own_name = name or cluster_name_of(context.name)
        if context.endpoint is None or credential is None:
            skipped.append(SkippedCluster(source=source, reason=context.problem, commands=context.commands))
        elif not own_name:
            skipped.append(SkippedCluster(source=source, reason=_NO_NAME))
        else:
            cluster = Cluster(
                name=own_name,
                environment=given.environment,
                region=given.region,
                labels=given.labels,
                endpoints={EndpointKind.KUBERNETES: context.endpoint},
            )
            found.append(
                FoundCluster(
                    source=source,
                    cluster=cluster,
                    name_is_given=bool(name),
                    credential=credential,
                    notes=context.notes if given.credential is None else [],
                )
            )
    return found, skipped


def clusters_of_hub(
    managed: Iterable[ManagedCluster], hub: Cluster, given: Given
) -> tuple[list[FoundCluster], list[SkippedCluster]]:
    """The clusters that a hub manages, and why some of them cannot be taken.

    The hub itself is among them: it keeps its name, address and credential, and gets the labels. Clusters that come
    without a credential are inactive: nothing could be read of them.
    """
    found: list[FoundCluster] = []
    skipped: list[SkippedCluster] = []
    for each in managed:
        source = f"managed cluster {each.name}"
        reason = _reason_against(each)
        if reason:
            skipped.append(SkippedCluster(source=source, reason=reason))
            continue
        cluster = Cluster(
            name=hub.name if each.is_hub else cluster_name_of(each.name),
            environment=given.environment or each.labels.get("environment", ""),
            region=given.region or each.region,
            labels={key: value for key, value in each.labels.items() if key != "environment"} | given.labels,
            endpoints={} if each.is_hub or each.endpoint is None else {EndpointKind.KUBERNETES: each.endpoint},
            active=given.credential is not None,
        )
        credential = None if each.is_hub else given.credential
        found.append(
            FoundCluster(source=source, cluster=cluster, is_claimed=True, credential=credential, notes=_notes(each))
        )
    return found, skipped


_NO_NAME = "no valid cluster name can be made of its name: take it alone, with --name"


def _reason_against(managed: ManagedCluster) -> str:
    if not managed.accepted:
        return "the hub's administrator has not accepted it"
    if not cluster_name_of(managed.name):
        return _NO_NAME
    return "" if managed.is_hub else managed.problem


def _notes(managed: ManagedCluster) -> list[str]:
    notes = ["it is the hub itself"] if managed.is_hub else []
    if managed.version:
        notes.append(f"version {managed.version}")
    if managed.available is not True:
        notes.append("the hub does not hear of it" if managed.available is None else "the hub says it is not available")
    return notes
