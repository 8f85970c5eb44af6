"""Query packs and rules of a Prometheus."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from fleet.collectors.prometheus import PrometheusClient, PrometheusLimits, collect_pack, collect_rules
from fleet.collectors.transport import TransportLimits
from fleet.frames.window import CHUNK
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.conformance.adapter import CLUSTER_ID, WINDOW, Adapter, Closeable, Outcome
from tests.fleet.collectors.conformance.cases import ABSENT, Case, Expected
from tests.fleet.collectors.prometheus.byte_server import Request, reply
from tests.fleet.collectors.prometheus.packs import pack_of

PACK = pack_of(("a", "a", ["a"]), ("b", "b", ["b"]))
REFUSAL = reply('{"status":"error","errorType":"bad_data","error":"invalid parameter"}', 400)
RULE = {"name": "Down", "query": "up == 0", "type": "alerting", "health": "ok", "state": "inactive", "alerts": []}


def success(data: object, **more: object) -> bytes:
    return reply(json.dumps({"status": "success", "data": data, **more}))


def answer_with(names: list[str], **more: object) -> Callable[[Request], bytes]:
    """A Prometheus that has these metrics, each one series of ones; ``more`` stands beside each range's data."""

    def answer(request: Request) -> bytes:
        path = urlsplit(request.target).path
        form = {name: values[0] for name, values in parse_qs(request.body).items()}
        if path.endswith("/values"):
            return success(names)
        if path == "/api/v1/stores":
            return reply("404 page not found", 404, "text/plain")
        if path == "/api/v1/query":
            return success({"resultType": "scalar", "result": [1769904000, "1"]})
        times = range(int(float(form["start"])), int(float(form["end"])) + 1, int(form["step"]))
        series = [{"metric": {"a": "1"}, "values": [[at, "1"] for at in times]}] if form["query"] in names else []
        return success({"resultType": "matrix", "result": series}, **more)

    return answer


def answer_rules(rules: list[dict[str, object]], **more: object) -> Callable[[Request], bytes]:
    """A Prometheus with these rules and no cluster health analyzer."""

    def answer(request: Request) -> bytes:
        if "/rules" in request.target:
            groups = [{"name": "g", "file": "f", "interval": 30, "rules": rules}] if rules else []
            return success({"groups": groups}, **more)
        return success({"resultType": "vector", "result": []})

    return answer


def collect(endpoint: Endpoint, limits: TransportLimits, opened: Callable[[Closeable], None]) -> Outcome:
    bounds = PrometheusLimits(transport=limits, probe_seconds=limits.request_seconds, concurrency=1)
    with PrometheusClient(endpoint, None, bounds) as client:
        opened(client)
        [(_, frame, coverage)] = collect_pack(client, CLUSTER_ID, PACK, [WINDOW], 30, CHUNK)
    return Outcome(coverage, len(frame.keys))


def collect_the_rules(endpoint: Endpoint, limits: TransportLimits, opened: Callable[[Closeable], None]) -> Outcome:
    with PrometheusClient(endpoint, None, PrometheusLimits(transport=limits)) as client:
        opened(client)
        frame, coverage = collect_rules(client, CLUSTER_ID, WINDOW)
    return Outcome(coverage, len(frame.alert_rules))


PROMETHEUS = Adapter(
    name="prometheus",
    signal="metrics",
    collect=collect,
    answer=answer_with(["a", "b"]),
    empty=answer_with([]),
    refusal=REFUSAL,
    warned=answer_with(["a", "b"], warnings=["a store did not answer"]),
    answered=4,
    # A pack asks for metrics by name: where none of them is, there is nothing that could be unwell.
    otherwise={Case.EMPTY: Expected(ABSENT)},
)
PROMETHEUS_RULES = Adapter(
    name="prometheus rules",
    signal="alerts",
    collect=collect_the_rules,
    answer=answer_rules([RULE]),
    empty=answer_rules([]),
    refusal=REFUSAL,
    warned=answer_rules([RULE], warnings=["no rules from a store"]),
    answered=1,
)
