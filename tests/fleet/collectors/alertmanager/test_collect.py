"""Alerts of a real Alertmanager, in each of their states; and what it said when it was recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from fleet.collectors.alertmanager import AlertmanagerClient, collect_alerts
from fleet.frames.alerts import AlertState, SilenceState
from fleet.frames.coverage import CoverageStatus
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Request, reply, wait_until
from tests.fleet.collectors.real_alertmanager import PROGRAM, running_alertmanager

WINDOW = Window(start=datetime(2026, 2, 1, tzinfo=UTC), end=datetime(2026, 2, 1, 1, tzinfo=UTC))
CONFIGURATION = """
route: {receiver: nobody, group_by: [alertname], group_wait: 1s}
receivers: [{name: nobody}]
inhibit_rules:
- {source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [node]}
"""
RECORDED = [
    {
        "annotations": {"description": "value 0", "summary": "Target 127.0.0.1:19999 is down"},
        "endsAt": "2026-11-21T11:51:00.702Z",
        "fingerprint": "824cdc922f2b3b16",
        "receivers": [{"name": "default"}],
        "startsAt": "2026-11-21T11:47:00.702Z",
        "status": {"inhibitedBy": [], "silencedBy": ["ab21fdd2-a0a4-4dbf-a4b4-5923da5073b3"], "state": "suppressed"},
        "updatedAt": "2026-11-21T11:47:00.711Z",
        "generatorURL": "http://vm:19090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        "labels": {"alertname": "TargetDown", "instance": "127.0.0.1:19999", "severity": "warning"},
    }
]


def wanted(name: str, **labels: str) -> dict[str, object]:
    return {
        "labels": {"alertname": name, **labels},
        "annotations": {"summary": f"{name} ☃"},
        "generatorURL": "http://x/",
    }


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    if PROGRAM is None:
        pytest.skip("Debian's prometheus-alertmanager is not installed")
    with running_alertmanager(tmp_path / "alertmanager", CONFIGURATION) as url, httpx.Client(base_url=url) as api:
        now = datetime.now(UTC)
        silence = {
            "matchers": [{"name": "alertname", "value": "Quiet|Still", "isRegex": True, "isEqual": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "noc",
            "comment": "known",
        }
        api.post("/api/v2/silences", json=silence).raise_for_status()
        gone = api.post("/api/v2/silences", json={**silence, "comment": "gone"}).json()["silenceID"]
        api.delete(f"/api/v2/silence/{gone}").raise_for_status()
        alerts = [
            wanted("NodeDown", severity="critical", node="n1"),
            wanted("NodeSlow", severity="warning", node="n1"),
            wanted("NodeSlow", severity="warning", node="n2"),
            wanted("Quiet", severity="info"),
        ]
        api.post("/api/v2/alerts", json=alerts).raise_for_status()
        yield url


def test_alerts_and_what_suppresses_them(alertmanager: str) -> None:
    with AlertmanagerClient(Endpoint(url=alertmanager)) as client:
        # Inhibition is found out when the alerts are first sent on.
        wait_until(lambda: all(each.state is not AlertState.UNPROCESSED for each in client.alerts()))
        wait_until(lambda: any(each.inhibited_by for each in client.alerts()))
        frame, coverage = collect_alerts(client, "c1", WINDOW)
    assert (coverage.status, coverage.reason, coverage.window) == (CoverageStatus.OK, "", WINDOW)
    assert [(each.query_id, each.series) for each in coverage.queries] == [
        ("alerts", 4),
        ("silences", 2),
        ("groups", 3),
    ]
    states = {(each.name, each.labels.get("node")): each for each in frame.alerts}
    assert {key: each.state for key, each in states.items()} == {
        ("NodeDown", "n1"): AlertState.ACTIVE,
        ("NodeSlow", "n1"): AlertState.SUPPRESSED,
        ("NodeSlow", "n2"): AlertState.ACTIVE,
        ("Quiet", None): AlertState.SUPPRESSED,
    }
    assert states[("NodeSlow", "n1")].inhibited_by == [states[("NodeDown", "n1")].fingerprint]
    quiet = states[("Quiet", None)]
    silences = {each.state: each for each in frame.silences}
    assert quiet.silenced_by == [silences[SilenceState.ACTIVE].id]
    assert (quiet.inhibited_by, quiet.receivers, quiet.annotations) == ([], ["nobody"], {"summary": "Quiet ☃"})
    assert quiet.severity == "info"
    assert quiet.starts_at is not None
    assert quiet.starts_at.tzinfo is UTC
    matcher = silences[SilenceState.ACTIVE].matchers[0]
    assert (matcher.name, matcher.value, matcher.is_regex, matcher.is_equal) == ("alertname", "Quiet|Still", True, True)
    assert silences[SilenceState.EXPIRED].comment == "gone"
    groups = {each.labels["alertname"]: set(each.fingerprints) for each in frame.groups}
    assert groups["NodeSlow"] == {each.fingerprint for each in frame.alerts if each.name == "NodeSlow"}


def answering(**answers: bytes) -> ByteServer:
    def script(request: Request, _: int) -> bytes:
        return answers[request.target.removeprefix("/api/v2/").partition("?")[0].replace("/", "_")]

    return ByteServer(script)


def test_what_was_recorded_and_what_nobody_has_seen_yet() -> None:
    odd = {**RECORDED[0], "status": {"state": "dreaming"}, "fingerprint": "0", "labels": {}}
    odd["endsAt"] = "0001-01-01T00:00:00+05:00"
    answers = {"alerts": reply(json.dumps([*RECORDED, odd])), "silences": reply("[]"), "alerts_groups": reply("[]")}
    with answering(**answers) as server, AlertmanagerClient(Endpoint(url=server.url)) as client:
        frame, coverage = collect_alerts(client, "c1", WINDOW)
        [alerts_request] = [each.target for each in server.requests if "/alerts?" in each.target]
    assert "active=true&silenced=true&inhibited=true&unprocessed=true" in alerts_request
    nameless, alert = frame.alerts
    assert (nameless.name, nameless.state) == ("", AlertState.UNKNOWN)
    assert (alert.name, alert.state) == ("TargetDown", AlertState.SUPPRESSED)
    assert alert.silenced_by == ["ab21fdd2-a0a4-4dbf-a4b4-5923da5073b3"]
    assert alert.starts_at == datetime(2026, 11, 21, 11, 47, 0, 702000, tzinfo=UTC)
    assert coverage.status is CoverageStatus.OK


def test_alerts_without_their_silences_are_partial() -> None:
    answers = {
        "alerts": reply(json.dumps(RECORDED)),
        "silences": reply("x", 403, "text/plain"),
        "alerts_groups": reply("[]"),
    }
    with answering(**answers) as server, AlertmanagerClient(Endpoint(url=server.url)) as client:
        frame, coverage = collect_alerts(client, "c1", WINDOW)
    assert len(frame.alerts) == 1
    assert (coverage.status, coverage.error) == (CoverageStatus.PARTIAL, "Forbidden")
    assert coverage.reason.startswith("no silences: ")
    assert [each.status for each in coverage.queries] == [CoverageStatus.OK, CoverageStatus.UNKNOWN, CoverageStatus.OK]


def test_without_alerts_nothing_else_is_asked() -> None:
    refusal = reply('"bad matcher format: x"', 400)
    with answering(alerts=refusal) as server, AlertmanagerClient(Endpoint(url=server.url)) as client:
        frame, coverage = collect_alerts(client, "c1", WINDOW)
        assert len(server.requests) == 1
    assert frame.alerts == []
    assert (coverage.status, coverage.error) == (CoverageStatus.UNKNOWN, "QueryRefused")
    assert "bad matcher format: x" in coverage.reason
