"""A pack asked of several servers at a time; one that is broken is an answer that says so."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from pydantic import BaseModel

from fleet.collectors.prometheus import PrometheusClient
from fleet.collectors.prometheus.trial import QueryTrial, try_pack
from fleet.credentials import GivenCredential
from fleet.frames.coverage import CoverageStatus, combine
from fleet.inventory.cluster import EndpointKind
from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.query.asking import Access, access_to, unregistered

if TYPE_CHECKING:
    from fleet.frames.pack import QueryPack
    from fleet.inventory.registration import Registration
    from storage.stores import Stores

_AT_ONCE = 4
_PROMETHEUS = EndpointKind.PROMETHEUS


class PackTrial(BaseModel):
    """How one server took a pack; without queries, ``reason`` says why it was not asked."""

    cluster: str
    endpoint: str = ""
    status: CoverageStatus
    reason: str = ""
    queries: list[QueryTrial]


@dataclass(frozen=True)
class Place:
    """Whom to ask; ``access`` is None where no Prometheus is registered."""

    name: str
    access: Access | None


def registered(stores: Stores, names: Sequence[str]) -> list[Place]:
    """Registered clusters by name.

    Raises:
        NotFound: there is no such cluster.
    """
    clusters = [stores.clusters.by_name(name) for name in dict.fromkeys(names)]
    return [Place(cluster.name, access_to(stores, cluster, _PROMETHEUS)) for cluster in clusters]


def given(stores: Stores, registration: Registration) -> Place:
    """A server that is registered nowhere, with its credential in hand."""
    cluster = registration.cluster
    endpoint = cluster.endpoints[_PROMETHEUS]
    credential = registration.credential.for_endpoint(_PROMETHEUS) if registration.credential else None
    governor = stores.governor.of(cluster, _PROMETHEUS)
    return Place(endpoint.url, Access(cluster, endpoint, GivenCredential(credential), governor))


def try_pack_on(places: Sequence[Place], pack: QueryPack, at: datetime) -> list[PackTrial]:
    """Ask each place each query of a pack; in the places' order.

    Raises:
        StoreUnavailable: one of our own stores cannot be reached.
    """
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="pack") as threads:
        return list(threads.map(partial(_tried, pack, at), places))


def exit_code(trials: Sequence[PackTrial]) -> ExitCode:
    """COULD_NOT_RUN where nothing was seen anywhere, GAPS where some query was not, otherwise FINE."""
    if all(trial.status is CoverageStatus.UNKNOWN for trial in trials):
        return ExitCode.COULD_NOT_RUN
    return ExitCode.FINE if all(trial.status.final for trial in trials) else ExitCode.GAPS


def _tried(pack: QueryPack, at: datetime, place: Place) -> PackTrial:
    access = place.access
    if access is None:
        reason = unregistered(place.name, _PROMETHEUS)
        return PackTrial(cluster=place.name, status=CoverageStatus.UNKNOWN, reason=reason, queries=[])
    with PrometheusClient(access.endpoint, access.credentials, governor=access.governor) as client:
        queries = try_pack(client, pack, at)
    status = combine([query.status for query in queries])
    return PackTrial(cluster=place.name, endpoint=access.endpoint.url, status=status, queries=queries)
