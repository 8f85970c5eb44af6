"""Which endpoints a cluster seems to have, from its own objects: Routes on OpenShift, Services elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from fleet.collectors.kubernetes.answers import NotServed
from fleet.collectors.kubernetes.client import KubernetesClient, KubernetesLimits
from fleet.collectors.kubernetes.kinds import LOKI_STACKS, ROUTES, SERVICES, TEMPO_MONOLITHICS, TEMPO_STACKS
from fleet.collectors.kubernetes.listing import Reading
from fleet.collectors.kubernetes.parts import Parts
from fleet.collectors.kubernetes.rights import INGRESS_AUTHORITY
from fleet.collectors.kubernetes.routes import RouteObject, StackObject, read_route, read_stack, route_candidates
from fleet.collectors.kubernetes.services import SeenService, ServiceObject, read_service
from fleet.collectors.transport.decoding import decoder_of
from fleet.collectors.transport.governor import Governor
from fleet.credentials import CredentialSource
from fleet.errors import Forbidden, SourceError, Unreachable
from fleet.inventory.candidate import EndpointCandidate, EndpointSearch
from fleet.inventory.cluster import Cluster, EndpointKind
from fleet.inventory.inventory import Gap

_INGRESS_CA = f"/api/v1/namespaces/{INGRESS_AUTHORITY.namespace}/configmaps/{INGRESS_AUTHORITY.name}"
_ROUTES = Reading(ROUTES, RouteObject, read_route)
_SERVICES = Reading(SERVICES, ServiceObject, read_service)
_LOKIS = Reading(replace(LOKI_STACKS, names_only=False), StackObject, read_stack)
_TEMPOS = Reading(replace(TEMPO_STACKS, names_only=False), StackObject, read_stack)
_SMALL_TEMPOS = Reading(replace(TEMPO_MONOLITHICS, names_only=False), StackObject, read_stack)


class _ConfigMap(msgspec.Struct):
    data: dict[str, str] | None = None


def find_endpoints(
    cluster: Cluster,
    credentials: CredentialSource | None,
    limits: KubernetesLimits | None = None,
    *,
    governor: Governor | None = None,
) -> EndpointSearch:
    """What a cluster's own objects say of its endpoints. Nothing is asked there, and nothing registered.

    Args:
        cluster: with a Kubernetes endpoint.
        credentials: for that.
        limits: bounds on reading.
        governor: asked before each request; None where nothing is to be held back.

    Raises:
        fleet.errors.Unreachable: no Kubernetes API is registered, or it cannot be reached.
        fleet.errors.SourceError: the API answered nothing at all.
        fleet.errors.StoreError: the credential could not be had.
    """
    api = cluster.endpoints.get(EndpointKind.KUBERNETES)
    if api is None:
        raise Unreachable(
            f"No Kubernetes API is registered for cluster {cluster.name}, and only that knows its other endpoints.",
            hint=f"`fleetscope cluster update {cluster.name} --kubernetes URL` registers it.",
        )
    with KubernetesClient(api, credentials, limits, governor=governor) as client, Parts(client) as parts:
        parts.read_groups()
        pending_routes, pending_services = parts.begin(_ROUTES), parts.begin(_SERVICES)
        pending_stacks = [parts.begin(reading) for reading in (_LOKIS, _TEMPOS, _SMALL_TEMPOS)]
        routes, services = parts.take(pending_routes), parts.take(pending_services)
        lokis, tempos, small_tempos = (parts.take(each) for each in pending_stacks)
        ca_pem, gaps = _ingress_ca(client) if routes else (None, [])
        candidates = route_candidates(routes, lokis, tempos + small_tempos, ca_pem)
    reachable = [each.candidate(api) for each in services if not each.wants_token]
    return EndpointSearch(
        candidates=_in_order(candidates + reachable),
        notes=_out_of_reach(services, candidates),
        gaps=parts.gaps + gaps,
    )


def _ingress_ca(client: KubernetesClient) -> tuple[str | None, list[Gap]]:
    """The authority of the routers' certificate; without it the machine's own authorities have to know it."""
    part = "ingress certificate authority"
    try:
        data = decoder_of(_ConfigMap).decode(client.get(_INGRESS_CA)).data or {}
    except Forbidden:
        return None, [Gap(part=part, reason=f"missing right: {INGRESS_AUTHORITY}")]
    except NotServed:
        return None, []
    except (SourceError, msgspec.DecodeError) as failure:
        reason = failure.message if isinstance(failure, SourceError) else "it could not be understood"
        return None, [Gap(part=part, reason=reason)]
    return data.get("ca-bundle.crt") or None, []


def _in_order(candidates: Sequence[EndpointCandidate]) -> list[EndpointCandidate]:
    kinds = list(EndpointKind)
    return sorted(candidates, key=lambda each: (kinds.index(each.kind), each.rank, each.endpoint.url))


def _out_of_reach(services: Sequence[SeenService], candidates: Sequence[EndpointCandidate]) -> list[str]:
    """Services of kinds that have no Route, and that the API server's proxy does not help to."""
    routed = {candidate.kind for candidate in candidates}
    return [
        f"{each.found} is {each.kind.value} too, but wants a token that the API server's proxy keeps to itself: "
        "a Route to it would make it reachable."
        for each in services
        if each.wants_token and each.kind not in routed
    ]
