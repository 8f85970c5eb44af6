"""Our Alertmanager collector on an Alertmanager: alerts and silences that this run posts come back as they are."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from fleet.collectors.alertmanager import AlertmanagerClient, collect_alerts
from fleet.errors import WrongService
from fleet.frames.alerts import AlertFrame, AlertState, SilenceState
from fleet.frames.coverage import CoverageStatus
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint
from tests.contracts.seeding import api_of
from tests.contracts.sources import Source


@pytest.fixture(scope="module")
def run(contract_alertmanager: Source) -> Iterator[str]:
    """The name of this run, by which two alerts were posted and one of them silenced; both end with it."""
    name = f"fleetscope-{uuid.uuid4().hex[:12]}"
    now = datetime.now(UTC)
    alerts = [
        {
            "labels": {"alertname": name, "part": part, "severity": "info"},
            "annotations": {"summary": f'part "{part}" ☃'},
            "startsAt": (now - timedelta(minutes=5)).isoformat(),
            "endsAt": (now + timedelta(minutes=10)).isoformat(),
        }
        for part in ("loud", "quiet")
    ]
    silence = {
        "matchers": [
            {"name": "alertname", "value": name, "isRegex": False, "isEqual": True},
            {"name": "part", "value": "qu.*", "isRegex": True, "isEqual": True},
        ],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(minutes=10)).isoformat(),
        "createdBy": "fleetscope",
        "comment": "a contract test",
    }
    with api_of(contract_alertmanager) as api:
        answer = api.post("/api/v2/silences", json=silence)
        if answer.status_code in {401, 403, 405}:
            pytest.skip(f"the credential may not post to this Alertmanager ({answer.status_code})")
        answer.raise_for_status()
        api.post("/api/v2/alerts", json=alerts).raise_for_status()
        yield name
        api.delete(f"/api/v2/silence/{answer.json()['silenceID']}").raise_for_status()
        over = [{**alert, "endsAt": now.isoformat()} for alert in alerts]
        api.post("/api/v2/alerts", json=over).raise_for_status()


def collected(source: Source, ready: Callable[[AlertFrame], bool]) -> AlertFrame:
    window = Window.before(datetime.now(UTC), timedelta(hours=1))
    deadline = time.monotonic() + 60
    with AlertmanagerClient(source.endpoint, source.credentials) as client:
        while True:
            frame, coverage = collect_alerts(client, "contract", window)
            assert (coverage.status, coverage.reason) == (CoverageStatus.OK, "")
            assert [each.query_id for each in coverage.queries] == ["alerts", "silences", "groups"]
            if ready(frame) or time.monotonic() > deadline:
                return frame
            time.sleep(0.2)


def test_posted_alerts_come_back_with_what_silences_them(contract_alertmanager: Source, run: str) -> None:
    def settled(frame: AlertFrame) -> bool:
        states = {alert.state for alert in frame.alerts if alert.name == run}
        return states == {AlertState.ACTIVE, AlertState.SUPPRESSED}

    frame = collected(contract_alertmanager, settled)
    own = {alert.labels["part"]: alert for alert in frame.alerts if alert.name == run}
    assert {part: alert.state for part, alert in own.items()} == {
        "loud": AlertState.ACTIVE,
        "quiet": AlertState.SUPPRESSED,
    }
    [silence] = [each for each in frame.silences if each.id in own["quiet"].silenced_by]
    assert silence.state is SilenceState.ACTIVE
    assert {(each.name, each.value, each.is_regex) for each in silence.matchers} == {
        ("alertname", run, False),
        ("part", "qu.*", True),
    }
    loud = own["loud"]
    assert loud.annotations == {"summary": 'part "loud" ☃'}
    assert (loud.severity, loud.silenced_by, loud.inhibited_by) == ("info", [], [])
    assert loud.receivers
    assert len(loud.fingerprint) == 16
    assert loud.starts_at is not None
    assert abs(datetime.now(UTC) - timedelta(minutes=5) - loud.starts_at) < timedelta(minutes=3)
    assert own["quiet"].fingerprint != loud.fingerprint


def test_groups_name_the_alerts_that_they_hold(contract_alertmanager: Source, run: str) -> None:
    frame = collected(contract_alertmanager, lambda frame: any(alert.name == run for alert in frame.alerts))
    loud = next(alert for alert in frame.alerts if alert.name == run and alert.labels["part"] == "loud")
    groups = [group for group in frame.groups if loud.fingerprint in group.fingerprints]
    assert groups
    assert {group.receiver for group in groups} == set(loud.receivers)


def test_another_path_is_another_service(contract_alertmanager: Source) -> None:
    elsewhere = Endpoint.model_validate(
        {**contract_alertmanager.endpoint.model_dump(), "url": f"{contract_alertmanager.endpoint.url}/nowhere"}
    )
    with AlertmanagerClient(elsewhere, contract_alertmanager.credentials) as client, pytest.raises(WrongService):
        client.alerts()


def test_a_filter_that_is_none_is_refused_in_its_own_form(contract_alertmanager: Source) -> None:
    with api_of(contract_alertmanager) as api:
        answer: httpx.Response = api.get("/api/v2/alerts", params={"filter": "bad filter"})
    assert answer.status_code == 400
    assert isinstance(answer.json(), str)
