"""Whether a Prometheus or a Thanos Query answers queries."""

from __future__ import annotations

from functools import partial

from fleet.collectors.prometheus.client import PrometheusClient
from fleet.collectors.prometheus.limits import PrometheusLimits
from fleet.collectors.transport.deadline import Deadline
from fleet.collectors.transport.probing import Seen, probe_limits, seconds_left, spoken_version, timed
from fleet.credentials import CredentialSource
from fleet.inventory.cluster import Endpoint

_GRANT_POST = "Long queries need POST: grant the verb create beside get, as OpenShift's cluster-monitoring-view does."


def probe(endpoint: Endpoint, credentials: CredentialSource | None, deadline: Deadline) -> Seen:
    """Ask for the value of ``1``, by POST and where that is refused by GET. Raises as ``Probe`` says."""
    limits = PrometheusLimits(transport=probe_limits(deadline), probe_seconds=seconds_left(deadline))
    with PrometheusClient(endpoint, credentials, limits) as client:
        _, latency_seconds = timed(client.probe)
        thanos = client.is_thanos(seconds=seconds_left(deadline))
        version = spoken_version(partial(client.version, seconds=seconds_left(deadline)))
    name = "Thanos Query" if thanos else "Prometheus"
    if client.narrowed:
        # A tenancy port takes GET from whoever may view the namespace; a namespace's queries are short.
        return Seen(latency_seconds, version, f"{name} answers queries: {client.narrowed}")
    if client.by_post is False:
        return Seen(latency_seconds, version, f"{name} answers queries by GET only, POST is refused", _GRANT_POST)
    return Seen(latency_seconds, version, f"{name} answers queries")
