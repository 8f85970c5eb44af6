"""Alerts, silences and groups of an Alertmanager."""

from __future__ import annotations

import json
from collections.abc import Callable

from fleet.collectors.alertmanager import AlertmanagerClient, collect_alerts
from fleet.collectors.transport import TransportLimits
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.conformance.adapter import CLUSTER_ID, WINDOW, Adapter, Closeable, Outcome
from tests.fleet.collectors.prometheus.byte_server import Request, reply

ALERT = {
    "annotations": {},
    "endsAt": "2026-02-01T01:00:00.000Z",
    "fingerprint": "56c0960ca71f524c",
    "receivers": [{"name": "default"}],
    "startsAt": "2026-02-01T00:00:00.000Z",
    "status": {"inhibitedBy": [], "silencedBy": [], "state": "active"},
    "updatedAt": "2026-02-01T00:30:00.000Z",
    "generatorURL": "",
    "labels": {"alertname": "Down"},
}


def answer(request: Request) -> bytes:
    return reply(json.dumps([ALERT]) if "/alerts?" in request.target else "[]")


def collect(endpoint: Endpoint, limits: TransportLimits, opened: Callable[[Closeable], None]) -> Outcome:
    with AlertmanagerClient(endpoint, None, limits) as client:
        opened(client)
        frame, coverage = collect_alerts(client, CLUSTER_ID, WINDOW)
    return Outcome(coverage, len(frame.alerts))


ALERTMANAGER = Adapter(
    name="alertmanager",
    signal="alerts",
    collect=collect,
    answer=answer,
    empty=lambda _: reply("[]"),
    refusal=reply('"bad matcher format: bad filter"', 400),
    warned=None,
    answered=1,
)
