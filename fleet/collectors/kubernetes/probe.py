"""Whether a Kubernetes API lists objects."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

import msgspec

from fleet.collectors.kubernetes.answers import NotServed
from fleet.collectors.kubernetes.client import KubernetesClient, KubernetesLimits
from fleet.collectors.transport.deadline import Deadline
from fleet.collectors.transport.decoding import decoder_of, strictly
from fleet.collectors.transport.probing import Seen, seconds_left, spoken_version, timed
from fleet.credentials import CredentialSource
from fleet.errors import WrongService
from fleet.inventory.cluster import Endpoint

AnswerT = TypeVar("AnswerT")


class _Version(msgspec.Struct, rename="camel"):
    git_version: str


class _List(msgspec.Struct):
    kind: str
    items: list[msgspec.Raw] | None


def probe_limits(deadline: Deadline) -> KubernetesLimits:
    """Bounds of what is asked until a deadline: a pause that a server asks for is granted once."""
    seconds = seconds_left(deadline)
    return KubernetesLimits(
        first_seconds=seconds, read_seconds=seconds, total_seconds=seconds, pause_seconds=seconds, attempts=2
    )


def probe(endpoint: Endpoint, credentials: CredentialSource | None, deadline: Deadline) -> Seen:
    """List one node, which the inventory begins with, and ask for the version. Raises as ``Probe`` says."""
    with KubernetesClient(endpoint, credentials, probe_limits(deadline)) as client:
        _, latency_seconds = timed(partial(_get, client, "/api/v1/nodes", _List, limit=1))
        version = spoken_version(lambda: _get(client, "/version", _Version).git_version)
    return Seen(latency_seconds, version, "lists nodes")


def _get(client: KubernetesClient, path: str, form: type[AnswerT], **query: int) -> AnswerT:
    url = client.endpoint.url
    try:
        body = client.get(path, query)
    except NotServed:
        raise WrongService(
            f"{url}{path} does not exist, which every Kubernetes API has.",
            endpoint=url,
            hint="Check the address of the Kubernetes API.",
        ) from None
    return strictly(decoder_of(form), body, url)
