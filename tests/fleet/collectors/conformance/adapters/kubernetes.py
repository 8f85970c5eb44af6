"""Events of a Kubernetes API."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from fleet.collectors.kubernetes import KubernetesClient, KubernetesLimits, collect_events
from fleet.collectors.transport import TransportLimits
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.conformance.adapter import CLUSTER_ID, WINDOW, Adapter, Closeable, Outcome
from tests.fleet.collectors.kubernetes.objects import event
from tests.fleet.collectors.prometheus.byte_server import Request, reply

EVENTS = [event(str(number), "BackOff", "Pod", f"cart-{number}") for number in range(3)]


def answer_with(items: list[dict[str, object]]) -> Callable[[Request], bytes]:
    """An API server that has these warnings."""

    def answer(request: Request) -> bytes:
        selector = parse_qs(urlsplit(request.target).query)["fieldSelector"][0]
        chosen = items if selector == "type=Warning" else []
        return reply(json.dumps({"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": chosen}))

    return answer


def collect(endpoint: Endpoint, limits: TransportLimits, opened: Callable[[Closeable], None]) -> Outcome:
    bounds = KubernetesLimits(
        connect_seconds=limits.connect_seconds,
        first_seconds=limits.request_seconds,
        read_seconds=limits.request_seconds,
        page_bytes=limits.answer_bytes,
        attempts=limits.attempts,
    )
    with KubernetesClient(endpoint, None, bounds) as client:
        opened(client)
        events, coverage = collect_events(client, CLUSTER_ID, WINDOW)
    return Outcome(coverage, len(events))


KUBERNETES_EVENTS = Adapter(
    name="kubernetes events",
    signal="events",
    collect=collect,
    answer=answer_with(EVENTS),
    empty=answer_with([]),
    refusal=reply('{"kind":"Status","status":"Failure","message":"field label not supported: type","code":400}', 400),
    warned=None,
    answered=1,
)
