"""Alertmanager's HTTP API v2 over a simulated cluster: the alerts that fire there, and no silences.

Forms and errors are those of Alertmanager 0.25, recorded from a real server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from simulator.answers import Answer, RefusedError, Request, json_answer, text_answer
from simulator.cluster import SimulatedCluster
from simulator.effects import ALERTS, Alert, alert_spans
from simulator.truth import rfc3339

_MATCHER = re.compile(r'\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^"]*?))\s*')
_TRUE = frozenset({"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"})
_RECEIVER = "Default"
_RESOLVE_SECONDS = 240
_SUMMARIES = {
    "CPUThrottlingHigh": "Processes experience elevated CPU throttling.",
    "NodeFilesystemAlmostOutOfSpace": "Filesystem has less than 3% space left.",
    "TargetDown": "Some targets were not reachable from the monitoring server for an extended period of time.",
}
_CONFIGURATION = f"global:\n  resolve_timeout: 5m\nroute:\n  receiver: {_RECEIVER}\nreceivers:\n- name: {_RECEIVER}\n"
_VERSION = {
    "branch": "HEAD",
    "buildDate": "20240710-10:15:51",
    "buildUser": "root@simulator",
    "goVersion": "go1.22.5",
    "revision": "0aa3c2aad14cff039931923ab16b26b7481783b5",
    "version": "0.27.0",
}
Handler = Callable[[SimulatedCluster, Request], Any]


def answer_alertmanager(cluster: SimulatedCluster, request: Request) -> Answer:
    """The answer to a request whose path is relative to the server's root.

    Raises:
        RefusedError: the request is refused with Alertmanager's own text.
    """
    if request.path in {"/-/ready", "/-/healthy"}:
        return text_answer("OK")
    handler = _ROUTES.get(request.path)
    if handler is None:
        if not request.path.startswith("/api/v2/"):
            return text_answer("404 page not found\n", 404)
        return json_answer({"code": 404, "message": f"path {request.path} was not found"}, 404)
    if request.method != "GET":
        message = f"method {request.method} is not allowed, but [GET] are"
        return json_answer({"code": 405, "message": message}, 405)
    return json_answer(handler(cluster, request))


def _status(cluster: SimulatedCluster, request: Request) -> dict[str, Any]:
    return {
        "cluster": {"peers": [], "status": "disabled"},
        "config": {"original": _CONFIGURATION},
        "uptime": rfc3339(cluster.oldest).replace("Z", ".000Z"),
        "versionInfo": _VERSION,
    }


def _receivers(cluster: SimulatedCluster, request: Request) -> list[dict[str, Any]]:
    return [{"name": _RECEIVER}]


def _silences(cluster: SimulatedCluster, request: Request) -> list[dict[str, Any]]:
    return []


def _alerts(cluster: SimulatedCluster, request: Request) -> list[dict[str, Any]]:
    conditions = [_condition(text) for text in request.parameters.get("filter", [])]
    receiver = request.one("receiver")
    shown = _received(receiver) and request.one("active", "true").lower() in _TRUE
    firing = _firing(cluster) if shown else ()
    return [alert for alert in firing if all(holds(alert["labels"]) for holds in conditions)]


def _groups(cluster: SimulatedCluster, request: Request) -> list[dict[str, Any]]:
    alerts = _alerts(cluster, request)
    return [{"alerts": alerts, "labels": {}, "receiver": {"name": _RECEIVER}}] if alerts else []


def _received(receiver: str) -> bool:
    try:
        return not receiver or re.fullmatch(receiver, _RECEIVER) is not None
    except re.error as error:
        text = f"failed to parse receiver param: error parsing regexp: {error}"
        raise RefusedError(json_answer(text, 400)) from error


def _condition(text: str) -> Callable[[dict[str, str]], bool]:
    match = _MATCHER.fullmatch(text)
    if match is None:
        raise RefusedError(json_answer(f"bad matcher format: {text}", 400))
    name, operator = match[1], match[2]
    value = match[4] if match[3] is None else match[3]
    if operator in {"=", "!="}:
        return lambda labels: (labels.get(name, "") == value) == (operator == "=")
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise RefusedError(json_answer(f"error parsing regexp: {error}", 400)) from error
    return lambda labels: bool(pattern.fullmatch(labels.get(name, ""))) == (operator == "=~")


def _firing(cluster: SimulatedCluster) -> Iterator[dict[str, Any]]:
    at = cluster.observed_at()
    for alert in ALERTS:
        for namespace, begin, end in alert_spans(cluster.timeline, alert):
            if begin <= at < end:
                yield _fired(cluster, alert, namespace, begin, at)


def _fired(cluster: SimulatedCluster, alert: Alert, namespace: str, begin: float, at: float) -> dict[str, Any]:
    labels = {"alertname": alert.name, "namespace": namespace, "severity": alert.severity}
    if cluster.layout.profile.openshift:
        labels["prometheus"] = "openshift-monitoring/k8s"
    return {
        "annotations": {"summary": _SUMMARIES[alert.name]},
        "endsAt": _milliseconds(at + _RESOLVE_SECONDS),
        "fingerprint": fingerprint(labels),
        "receivers": [{"name": _RECEIVER}],
        "startsAt": _milliseconds(begin),
        "status": {"inhibitedBy": [], "silencedBy": [], "state": "active"},
        "updatedAt": _milliseconds(at),
        "generatorURL": f"https://prometheus-k8s.{cluster.name}.example.net/graph?g0.expr=ALERTS&g0.tab=1",
        "labels": dict(sorted(labels.items())),
    }


def _milliseconds(at: float) -> str:
    return rfc3339(at).replace("Z", f".{int(at % 1 * 1000):03d}Z")


def fingerprint(labels: dict[str, str]) -> str:
    """What Prometheus and Alertmanager know a label set by: 64-bit FNV-1a over names and values, in hexadecimal."""
    value = 0xCBF29CE484222325
    for name, text in sorted(labels.items()):
        for byte in name.encode() + b"\xff" + text.encode() + b"\xff":
            value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


_ROUTES: dict[str, Handler] = {
    "/api/v2/alerts": _alerts,
    "/api/v2/alerts/groups": _groups,
    "/api/v2/receivers": _receivers,
    "/api/v2/silences": _silences,
    "/api/v2/status": _status,
}
