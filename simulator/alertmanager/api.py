"""Alertmanager's HTTP API v2: which request is answered by whom.

Forms and errors are those of Alertmanager 0.25, recorded from a real server.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulator.alertmanager.alerts import Alert, PostedAlerts, firing
from simulator.alertmanager.bodies import read_body, refused
from simulator.alertmanager.matchers import BadMatcherError, Matcher, all_hold, check_expression, read_matcher
from simulator.alertmanager.silences import Silences, check_id, milliseconds
from simulator.answers import Answer, Request, json_answer, text_answer
from simulator.cluster import SimulatedCluster
from simulator.regexps import condition
from simulator.truth import rfc3339

_TRUE = frozenset({"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"})
_RECEIVER = "Default"
_SOURCE = (Matcher("severity", "critical"),)
_TARGET = (Matcher("severity", "warning|info", is_regex=True),)
_EQUAL = ("namespace", "alertname")
"""The one inhibition rule: what is critical inhibits the same alert of the same namespace with a lower severity."""
_CONFIGURATION = f"""global:
  resolve_timeout: 5m
route:
  receiver: {_RECEIVER}
  group_by:
  - namespace
inhibit_rules:
- source_matchers:
  - severity="critical"
  target_matchers:
  - severity=~"warning|info"
  equal:
  - namespace
  - alertname
receivers:
- name: {_RECEIVER}
"""
_VERSION = {
    "branch": "HEAD",
    "buildDate": "20240710-10:15:51",
    "buildUser": "root@simulator",
    "goVersion": "go1.22.5",
    "revision": "0aa3c2aad14cff039931923ab16b26b7481783b5",
    "version": "0.27.0",
}
_SILENCE = re.compile(r"/api/v2/silence/([^/]+)")
Handler = Callable[[SimulatedCluster, Request], Answer]


def answer_alertmanager(cluster: SimulatedCluster, request: Request) -> Answer:
    """The answer to a request whose path is relative to the server's root.

    Raises:
        RefusedError: the request is refused with Alertmanager's own text.
    """
    if request.path in {"/-/ready", "/-/healthy"}:
        return text_answer("OK")
    silence = _SILENCE.fullmatch(request.path)
    handlers = _OF_A_SILENCE if silence else _ROUTES.get(request.path)
    if handlers is None:
        if not request.path.startswith("/api/v2/"):
            return text_answer("404 page not found\n", 404)
        return json_answer({"code": 404, "message": f"path {request.path} was not found"}, 404)
    handler = handlers.get(request.method)
    if handler is None:
        message = f"method {request.method} is not allowed, but [{','.join(sorted(handlers))}] are"
        return json_answer({"code": 405, "message": message}, 405)
    if silence:
        check_id(silence[1])
    return handler(cluster, request)


def _status(cluster: SimulatedCluster, request: Request) -> Answer:
    return json_answer(
        {
            "cluster": {"peers": [], "status": "disabled"},
            "config": {"original": _CONFIGURATION},
            "uptime": rfc3339(cluster.oldest).replace("Z", ".000Z"),
            "versionInfo": _VERSION,
        }
    )


def _receivers(cluster: SimulatedCluster, request: Request) -> Answer:
    return json_answer([{"name": _RECEIVER}])


def _list_silences(cluster: SimulatedCluster, request: Request) -> Answer:
    silences = cluster.state(Silences).all(_filters(request))
    now = time.time()
    return json_answer([each.document(now) for each in silences])


def _post_silence(cluster: SimulatedCluster, request: Request) -> Answer:
    return json_answer({"silenceID": cluster.state(Silences).put(read_body(request, "silence"))})


def _get_silence(cluster: SimulatedCluster, request: Request) -> Answer:
    found = cluster.state(Silences).get(request.path.rpartition("/")[2])
    return Answer(404, b"", "") if found is None else json_answer(found.document(time.time()))


def _delete_silence(cluster: SimulatedCluster, request: Request) -> Answer:
    known = cluster.state(Silences).end(request.path.rpartition("/")[2])
    return Answer(200 if known else 404, b"", "")


def _post_alerts(cluster: SimulatedCluster, request: Request) -> Answer:
    cluster.state(PostedAlerts).post(read_body(request, "alerts"))
    return Answer(200, b"", "")


def _list_alerts(cluster: SimulatedCluster, request: Request) -> Answer:
    return json_answer(_alerts(cluster, request))


def _list_groups(cluster: SimulatedCluster, request: Request) -> Answer:
    groups: dict[str, list[dict[str, Any]]] = {}
    for alert in _alerts(cluster, request):
        groups.setdefault(alert["labels"].get("namespace", ""), []).append(alert)
    return json_answer(
        [
            {
                "alerts": groups[namespace],
                "labels": {"namespace": namespace} if namespace else {},
                "receiver": {"name": _RECEIVER},
            }
            for namespace in sorted(groups)
        ]
    )


def _alerts(cluster: SimulatedCluster, request: Request) -> list[dict[str, Any]]:
    """The alerts that a request wants to see, by fingerprint."""
    matchers = _filters(request)
    if not _received(request.one("receiver")):
        return []
    alerts, silences = firing(cluster), cluster.state(Silences)
    shown = {name: request.one(name, "true").lower() in _TRUE for name in ("active", "silenced", "inhibited")}
    found = []
    for alert in alerts:
        if all_hold(matchers, alert.labels):
            document = _document(alert, silences.silencing(alert.labels), _inhibiting(alert, alerts))
            status = document["status"]
            told = (
                (shown["active"] or status["state"] != "active")
                and (shown["silenced"] or not status["silencedBy"])
                and (shown["inhibited"] or not status["inhibitedBy"])
            )
            if told:
                found.append(document)
    return found


def _document(alert: Alert, silenced_by: list[str], inhibited_by: list[str]) -> dict[str, Any]:
    state = "suppressed" if silenced_by or inhibited_by else "active"
    return {
        "annotations": dict(sorted(alert.annotations.items())),
        "endsAt": milliseconds(alert.end),
        "fingerprint": alert.fingerprint,
        "receivers": [{"name": _RECEIVER}],
        "startsAt": milliseconds(alert.start),
        "status": {"inhibitedBy": inhibited_by, "silencedBy": silenced_by, "state": state},
        "updatedAt": milliseconds(alert.updated),
        "generatorURL": alert.generator_url,
        "labels": dict(sorted(alert.labels.items())),
    }


def _inhibiting(alert: Alert, alerts: Sequence[Alert]) -> list[str]:
    """The fingerprints of the alerts that inhibit one."""
    if not all_hold(_TARGET, alert.labels):
        return []
    return [
        each.fingerprint
        for each in alerts
        if all_hold(_SOURCE, each.labels) and _equal(each.labels) == _equal(alert.labels)
    ]


def _equal(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in _EQUAL)


def _received(receiver: str) -> bool:
    """Whether the one receiver is of those that are asked for."""
    try:
        check_expression(receiver)
    except BadMatcherError as error:
        raise refused(f"failed to parse receiver param: {error}") from error
    return not receiver or condition("=~", receiver)(_RECEIVER)


def _filters(request: Request) -> list[Matcher]:
    try:
        return [read_matcher(text) for text in request.parameters.get("filter", [])]
    except BadMatcherError as error:
        raise refused(str(error)) from error


_ROUTES: dict[str, dict[str, Handler]] = {
    "/api/v2/alerts": {"GET": _list_alerts, "POST": _post_alerts},
    "/api/v2/alerts/groups": {"GET": _list_groups},
    "/api/v2/receivers": {"GET": _receivers},
    "/api/v2/silences": {"GET": _list_silences, "POST": _post_silence},
    "/api/v2/status": {"GET": _status},
}
_OF_A_SILENCE: dict[str, Handler] = {"DELETE": _delete_silence, "GET": _get_silence}
