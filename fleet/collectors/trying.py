"""Endpoints that were found, tried before anybody relies on them: each is asked what its collector would ask."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from fleet.collectors.validation import SourceOf, validate_cluster
from fleet.inventory.candidate import EndpointCandidate, TriedCandidate
from fleet.inventory.cluster import Cluster, EndpointKind
from fleet.inventory.validation import EndpointStatus

_AT_ONCE = 6
MOST_A_KIND = 12
"""A cluster with more Services of a kind than this has its best ones tried."""


def try_candidates(
    cluster: Cluster, candidates: Sequence[EndpointCandidate], source_of: SourceOf
) -> list[TriedCandidate]:
    """What each candidate answers; those that answer come first among their kind.

    Args:
        cluster: where they were found.
        candidates: each kind's best first.
        source_of: an endpoint's credential; what is reached through the API server goes with that one's.

    Raises:
        fleet.errors.StoreError: a credential could not be had. What the endpoints do raises nothing.
    """
    chosen = [each for kind in EndpointKind for each in _of(kind, candidates)[:MOST_A_KIND]]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        tried = list(pool.map(partial(_tried, cluster, source_of), chosen))
    kinds = list(EndpointKind)
    return sorted(
        tried, key=lambda each: (kinds.index(each.candidate.kind), each.answer.status is not EndpointStatus.OK)
    )


def _of(kind: EndpointKind, candidates: Sequence[EndpointCandidate]) -> list[EndpointCandidate]:
    return [candidate for candidate in candidates if candidate.kind is kind]


def _tried(cluster: Cluster, source_of: SourceOf, candidate: EndpointCandidate) -> TriedCandidate:
    alone = cluster.model_copy(update={"endpoints": {candidate.kind: candidate.endpoint}})
    source = source_of(EndpointKind.KUBERNETES if candidate.through_api else candidate.kind)
    [answer] = validate_cluster(alone, lambda _: source).endpoints
    return TriedCandidate(candidate=candidate, answer=answer)
