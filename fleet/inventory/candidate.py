"""Endpoints that a cluster seems to have: found by looking at it, not yet registered."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from fleet.credentials import ClusterCredential
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.inventory import Gap
from fleet.inventory.validation import EndpointStatus, EndpointValidation


class EndpointCandidate(BaseModel):
    """An address that is believed to be of a kind.

    Attributes:
        kind: what is believed to answer there.
        endpoint: the address, with the authority that signed its certificate where that is known.
        found: the object that it was found by, for example ``Route openshift-monitoring/thanos-querier``.
        reason: why it is believed to be of this kind.
        rank: how good it is among its kind, the smallest first.
        through_api: whether it is reached through the API server, which keeps the credential to itself.
        guarded: whether none but the cluster's administrators can have put it there. Whoever may make Routes in a
            namespace could have made one that looks like this, to be sent the cluster's credential.
    """

    model_config = ConfigDict(frozen=True)

    kind: EndpointKind
    endpoint: Endpoint
    found: str
    reason: str
    rank: int
    through_api: bool = False
    guarded: bool = True


class EndpointSearch(BaseModel):
    """What was found in a cluster, each kind's best first; gaps say where could not be looked."""

    candidates: list[EndpointCandidate] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    gaps: list[Gap] = Field(default_factory=list)


class TriedCandidate(BaseModel):
    """A candidate and what it answered; None for one that was not asked."""

    candidate: EndpointCandidate
    answer: EndpointValidation | None

    @property
    def answers(self) -> bool:
        """Whether it answered what its collector asks."""
        return self.answer is not None and self.answer.status is EndpointStatus.OK


def missing_that_answer(cluster: Cluster, tried: Sequence[TriedCandidate]) -> list[EndpointCandidate]:
    """Of each kind that is not registered yet, the first that answers."""
    first: dict[EndpointKind, EndpointCandidate] = {}
    for each in tried:
        if each.answers and each.candidate.kind not in cluster.endpoints:
            first.setdefault(each.candidate.kind, each.candidate)
    return list(first.values())


def with_endpoints(cluster: Cluster, chosen: Sequence[EndpointCandidate]) -> Cluster:
    """The cluster with candidates as its endpoints, in place of those of the same kinds."""
    return cluster.model_copy(
        update={"endpoints": {**cluster.endpoints, **{each.kind: each.endpoint for each in chosen}}}
    )


def with_credentials(stored: ClusterCredential, chosen: Sequence[EndpointCandidate]) -> ClusterCredential:
    """What the cluster's reference has to hold then: what is reached through the API server takes its credential."""
    endpoints = dict(stored.endpoints)
    own = endpoints.get(EndpointKind.KUBERNETES)
    for each in chosen:
        if each.through_api:
            endpoints.pop(each.kind, None)
            endpoints |= {each.kind.value: own} if own else {}
    return ClusterCredential(default=stored.default, endpoints=endpoints)
