"""Validating a cluster: each endpoint is asked what its collector will ask it, and each right is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Thread
from typing import TypeVar

from fleet.collectors.alertmanager.probe import probe as probe_alertmanager
from fleet.collectors.korrel8r.probe import probe as probe_korrel8r
from fleet.collectors.kubernetes.probe import probe as probe_kubernetes
from fleet.collectors.kubernetes.rights import review_rights, unasked_rights
from fleet.collectors.loki.probe import probe as probe_loki
from fleet.collectors.prometheus.probe import probe as probe_prometheus
from fleet.collectors.tempo.probe import probe as probe_tempo
from fleet.collectors.transport.deadline import Deadline
from fleet.collectors.transport.probing import Probe, status_of
from fleet.credentials import CredentialSource
from fleet.errors import SourceError, WrongService
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.validation import ClusterValidation, EndpointStatus, EndpointValidation

PROBE_SECONDS = 10.0
"""For what one endpoint is asked."""
GRACE_SECONDS = 2.0
"""Beyond that nothing is waited for: looking a name up, for one, knows no time limit."""

_ResultT = TypeVar("_ResultT")
SourceOf = Callable[[EndpointKind], CredentialSource | None]


@dataclass(frozen=True)
class _Source:
    """How a kind is asked, and how what it asks is granted where it is denied."""

    probe: Probe
    grant: str


_SOURCES: Mapping[EndpointKind, _Source] = {
    EndpointKind.KUBERNETES: _Source(
        probe_kubernetes, "Grant the rights below, or the whole ClusterRole of fleetscope."
    ),
    EndpointKind.PROMETHEUS: _Source(
        probe_prometheus, "Grant get and create on its API; on OpenShift bind the ClusterRole cluster-monitoring-view."
    ),
    EndpointKind.ALERTMANAGER: _Source(
        probe_alertmanager, "On OpenShift bind the Role monitoring-alertmanager-view of openshift-monitoring."
    ),
    EndpointKind.LOKI: _Source(
        probe_loki,
        "On OpenShift bind the ClusterRoles cluster-logging-application-view, -infrastructure-view and -audit-view.",
    ),
    EndpointKind.TEMPO: _Source(
        probe_tempo, "On OpenShift grant get on traces of the tenant in API group tempo.grafana.com."
    ),
    EndpointKind.KORREL8R: _Source(probe_korrel8r, "Korrel8r reads with the caller's own rights: grant those above."),
}


def validate_cluster(cluster: Cluster, source_of: SourceOf, *, seconds: float = PROBE_SECONDS) -> ClusterValidation:
    """What each endpoint of a cluster answers now, and which rights its Kubernetes API grants.

    All are asked at once; one that hangs is reported as unreachable when its time is over.

    Args:
        cluster: as it is registered, or as it would be.
        source_of: an endpoint's credential.
        seconds: for each endpoint, and for the rights.

    Raises:
        StoreError: a credential could not be had. What the endpoints do raises nothing.
    """
    checked_at = datetime.now(UTC)
    endpoints = [(kind, cluster.endpoints[kind]) for kind in EndpointKind if kind in cluster.endpoints]
    asked = [_begin(partial(_validated, kind, endpoint, source_of(kind), seconds)) for kind, endpoint in endpoints]
    api = cluster.endpoints.get(EndpointKind.KUBERNETES)
    rights = _begin(partial(review_rights, api, source_of(EndpointKind.KUBERNETES), Deadline(seconds))) if api else None
    deadline = Deadline(seconds + GRACE_SECONDS)
    return ClusterValidation(
        cluster_id=cluster.id,
        name=cluster.name,
        checked_at=checked_at,
        endpoints=[
            _ended(future, deadline, partial(_silent, kind, endpoint, seconds))
            for future, (kind, endpoint) in zip(asked, endpoints, strict=True)
        ],
        rights=_ended(rights, deadline, partial(unasked_rights, _no_answer(seconds))) if rights else [],
    )


def _begin(work: Callable[[], _ResultT]) -> Future[_ResultT]:
    """The work in a thread of its own that nobody has to wait for, not even the process's end."""
    future: Future[_ResultT] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as failure:  # noqa: BLE001 - handed on to whoever asks for the result
            future.set_exception(failure)

    Thread(target=run, name="validation", daemon=True).start()
    return future


def _ended(future: Future[_ResultT], deadline: Deadline, without: Callable[[], _ResultT]) -> _ResultT:
    """The result, or what stands for it where it did not come in time."""
    wait([future], timeout=max(0.0, deadline.remaining_seconds))
    return future.result() if future.done() else without()


def _validated(
    kind: EndpointKind, endpoint: Endpoint, credentials: CredentialSource | None, seconds: float
) -> EndpointValidation:
    deadline = Deadline(seconds)
    source = _SOURCES[kind]
    try:
        seen = source.probe(endpoint, credentials, deadline)
    except SourceError as error:
        status = status_of(error)
        hint = source.grant if status is EndpointStatus.FORBIDDEN else error.hint
        if isinstance(error, WrongService):
            hint = _recognised(kind, endpoint, credentials, deadline) or hint
        return _validation(kind, endpoint, status=status, message=error.message, hint=hint)
    return _validation(kind, endpoint, status=EndpointStatus.OK, **vars(seen))


def _recognised(
    kind: EndpointKind, endpoint: Endpoint, credentials: CredentialSource | None, deadline: Deadline
) -> str:
    """What to do when another kind's API answers at this address; "" where none does."""
    for other, source in _SOURCES.items():
        if other is kind or deadline.remaining_seconds <= 0:
            continue
        try:
            source.probe(endpoint, credentials, deadline)
        except SourceError:
            continue
        return f"It answers as {other} does: register the address as that."
    return ""


def _silent(kind: EndpointKind, endpoint: Endpoint, seconds: float) -> EndpointValidation:
    message = f"{endpoint.url} gave {_no_answer(seconds)}."
    return _validation(kind, endpoint, status=EndpointStatus.UNREACHABLE, message=message)


def _no_answer(seconds: float) -> str:
    return f"no answer within {seconds:g} s"


def _validation(kind: EndpointKind, endpoint: Endpoint, **seen: object) -> EndpointValidation:
    row = {"kind": kind, "url": endpoint.url, "verify_tls": endpoint.verify_tls}
    return EndpointValidation.model_validate(row | seen)
