"""What ``fleetscope query alerts`` asks of one Alertmanager or Prometheus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from pydantic import BaseModel

from fleet.collectors.alertmanager import AlertmanagerClient, collect_alerts
from fleet.collectors.prometheus import PrometheusClient
from fleet.collectors.prometheus.rules import rules_of
from fleet.frames.alerts import Alert, AlertFrame, AlertRule, RecordingRule, Silence
from fleet.frames.window import Window
from interfaces.cli.query.asking import Access, Answer, Seen

_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True)
class Wanted:
    """Which are asked for, by name (with ``*``) and severity; of what is empty, all."""

    names: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether an alert, a rule or a silence's labels are among them."""
        named = not self.names or any(fnmatchcase(name, each) for each in self.names)
        return named and (not self.severities or labels.get("severity", "") in self.severities)


@dataclass(frozen=True)
class AlertsFound:
    """The wanted alerts and silences of a cluster, and all of both, by which suppression is explained."""

    alerts: list[Alert]
    silences: list[Silence]
    frame: AlertFrame


@dataclass(frozen=True)
class RulesFound:
    """The wanted rules of a cluster: those that alert first."""

    alerting: list[AlertRule]
    recording: list[RecordingRule]

    @property
    def rules(self) -> list[AlertRule | RecordingRule]:
        """All of them."""
        return [*self.alerting, *self.recording]


def ask_alertmanager(wanted: Wanted, access: Access) -> Seen[AlertsFound]:
    """Alerts and silences as they are now."""
    now = Window.before(datetime.now(UTC), _MOMENT)
    with AlertmanagerClient(access.endpoint, access.credentials, governor=access.governor) as client:
        frame, coverage = collect_alerts(client, access.cluster.id, now)
    alerts = [alert for alert in frame.alerts if wanted.matches(alert.name, alert.labels)]
    silences = [each for each in frame.silences if wanted.matches(*_matched(each))]
    return Seen.of(AlertsFound(alerts, silences, frame), coverage)


def ask_rules(wanted: Wanted, access: Access) -> Seen[RulesFound]:
    """Rules as they are now."""
    with PrometheusClient(access.endpoint, access.credentials, governor=access.governor) as client:
        alerting, recording, incomplete = rules_of(client)
    found = RulesFound(
        [rule for rule in alerting if wanted.matches(rule.name, rule.labels)],
        [rule for rule in recording if wanted.matches(rule.name, rule.labels)],
    )
    return Seen.perhaps_incomplete(found, incomplete)


def alerts_document(answers: Sequence[Answer[AlertsFound]], *, silences: bool) -> dict[str, Any]:
    """What ``--json`` prints: alerts, or silences."""
    found = [(each.cluster, each.found.silences if silences else each.found.alerts) for each in answers if each.found]
    rows = [_row(cluster, one) for cluster, some in found for one in some]
    return {"silences" if silences else "alerts": rows, "coverage": [answer.row for answer in answers]}


def rules_document(answers: Sequence[Answer[RulesFound]]) -> dict[str, Any]:
    """What ``--json`` prints of rules."""
    rows = [_row(answer.cluster, rule) for answer in answers if answer.found for rule in answer.found.rules]
    return {"rules": rows, "coverage": [answer.row for answer in answers]}


def _row(cluster: str, found: BaseModel) -> dict[str, Any]:
    return {"cluster": cluster, **found.model_dump(mode="json")}


def _matched(silence: Silence) -> tuple[str, dict[str, str]]:
    """The name and the labels of what a silence is about, as far as it says them plainly."""
    plain = {each.name: each.value for each in silence.matchers if each.is_equal}
    return plain.get("alertname", ""), plain
