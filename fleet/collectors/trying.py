"""Endpoints that were found, tried before anybody relies on them: each is asked what its collector would ask."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from fleet.collectors.validation import SourceOf, validate_cluster
from fleet.inventory.candidate import EndpointCandidate, TriedCandidate
from fleet.inventory.cluster import Cluster, EndpointKind

_AT_ONCE = 6
MOST_A_KIND = 12
"""A cluster with more Services of a kind than this has its best ones tried."""


def try_candidates(
    cluster: Cluster, candidates: Sequence[EndpointCandidate], source_of: SourceOf, trusted: Collection[str] = ()
) -> list[TriedCandidate]:
    """What each candidate answers; those that answer come first among their kind.

    One that anybody in the cluster could have put there is not asked: it would be sent the cluster's credential.

    Args:
        cluster: where they were found.
        candidates: each kind's best first.
        source_of: an endpoint's credential; what is reached through the API server goes with that one's.
        trusted: addresses that are asked all the same.

    Raises:
        fleet.errors.StoreError: a credential could not be had. What the endpoints do raises nothing.
    """
    chosen = [each for kind in EndpointKind for each in _of(kind, candidates, trusted)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        tried = list(pool.map(partial(_tried, cluster, source_of, trusted), chosen))
    kinds = list(EndpointKind)
    return sorted(tried, key=lambda each: (kinds.index(each.candidate.kind), not each.answers))


def _of(
    kind: EndpointKind, candidates: Sequence[EndpointCandidate], trusted: Collection[str]
) -> list[EndpointCandidate]:
    own = [candidate for candidate in candidates if candidate.kind is kind]
    return own[:MOST_A_KIND] + [each for each in own[MOST_A_KIND:] if each.endpoint.url in trusted]


def _tried(
    cluster: Cluster, source_of: SourceOf, trusted: Collection[str], candidate: EndpointCandidate
) -> TriedCandidate:
    if not (candidate.guarded or candidate.through_api or candidate.endpoint.url in trusted):
        return TriedCandidate(candidate=candidate, answer=None)
    alone = cluster.model_copy(update={"endpoints": {candidate.kind: candidate.endpoint}})
    source = source_of(EndpointKind.KUBERNETES if candidate.through_api else candidate.kind)
    [answer] = validate_cluster(alone, lambda _: source).endpoints
    return TriedCandidate(candidate=candidate, answer=answer)
