"""Rules of a Prometheus or Thanos, their health and their alerts. Format: HTTP API v1, as recorded from 2.42."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from fleet.collectors.prometheus.client import PrometheusClient
from fleet.collectors.prometheus.coverage import narrowed
from fleet.collectors.prometheus.health_groups import health_groups
from fleet.collectors.transport.decoding import in_utc
from fleet.collectors.transport.faults import clean_words
from fleet.errors import CredentialMissing, SourceError
from fleet.frames.alerts import Alert, AlertRule, AlertState, RecordingRule, RuleFrame, RuleHealth
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage, combine
from fleet.frames.window import Window

SIGNAL = "alerts"
COLLECTOR = "prometheus"


class _Alert(msgspec.Struct, rename="camel"):
    labels: dict[str, str]
    state: str
    value: str = ""
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    active_at: datetime | None = None


class _Rule(msgspec.Struct, rename="camel"):
    name: str
    query: str
    type: str
    health: str = "unknown"
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    last_error: str = ""
    last_evaluation: datetime | None = None
    evaluation_time: float = 0.0
    state: str = "unknown"
    duration: float = 0.0
    keep_firing_for: float = 0.0
    alerts: list[_Alert] | None = None


class _Group(msgspec.Struct):
    name: str
    file: str = ""
    interval: float = 0.0
    rules: list[_Rule] = msgspec.field(default_factory=list)


class _Groups(msgspec.Struct):
    groups: list[_Group]


def rules_of(client: PrometheusClient) -> tuple[list[AlertRule], list[RecordingRule], list[str]]:
    """Alerting and recording rules in the order of their files and groups, and why they may not be all.

    Raises:
        SourceError: the server does not answer with its rules.
    """
    found, notes = client.data("/api/v1/rules", [], _Groups)
    alert_rules = [
        _alert_rule(rule, group) for group in found.groups for rule in group.rules if rule.type == "alerting"
    ]
    recording = [_recording(rule, group) for group in found.groups for rule in group.rules if rule.type == "recording"]
    return alert_rules, recording, notes.incomplete


def collect_rules(client: PrometheusClient, cluster_id: str, window: Window) -> tuple[RuleFrame, Coverage]:
    """Rules, and the groups of the cluster health analyzer where it runs, as they are now.

    A broken endpoint never raises: coverage says what was not seen.

    Args:
        client: of the cluster's endpoint; it is not closed.
        cluster_id: whose coverage this is.
        window: of the collection that this belongs to; rules have no past.

    Raises:
        StoreUnavailable: our own credential store, or where budgets are kept, cannot be reached.
    """
    at = datetime.now(UTC)
    fault: SourceError | CredentialMissing | None = None
    frame = RuleFrame(at=at)
    queries: list[QueryCoverage] = []
    try:
        alert_rules, recording_rules, reasons = rules_of(client)
        frame = RuleFrame(at=at, alert_rules=alert_rules, recording_rules=recording_rules)
        queries.append(_seen("rules", len(alert_rules) + len(recording_rules), reasons))
        groups, reasons = health_groups(client, at)
        frame = frame.model_copy(update={"health_groups": groups or []})
        queries.append(_seen("health_groups", len(groups or []), reasons, absent=groups is None))
    except (SourceError, CredentialMissing) as error:
        fault = error
        missing = ["rules", "health_groups"][len(queries) :]
        queries += [QueryCoverage(query_id=each, status=CoverageStatus.UNKNOWN, reason=str(error)) for each in missing]
    queries = narrowed(client, queries)
    reasons = [each.reason for each in queries if each.status in {CoverageStatus.PARTIAL, CoverageStatus.UNKNOWN}]
    return frame, Coverage(
        cluster_id=cluster_id,
        signal=SIGNAL,
        collector=COLLECTOR,
        window=window,
        step_seconds=0,
        status=combine([query.status for query in queries]),
        reason="; ".join(dict.fromkeys(reasons)),
        error=type(fault).__name__ if fault is not None else "",
        endpoint=client.endpoint.url,
        queries=queries,
        collected_at=at,
    )


def _seen(query_id: str, count: int, reasons: Sequence[str], *, absent: bool = False) -> QueryCoverage:
    if absent:
        reason = "no cluster health analyzer runs here"
        return QueryCoverage(query_id=query_id, status=CoverageStatus.ABSENT, reason=reason)
    status = CoverageStatus.PARTIAL if reasons else CoverageStatus.OK
    return QueryCoverage(query_id=query_id, status=status, reason="; ".join(reasons), series=count)


def _alert_rule(rule: _Rule, group: _Group) -> AlertRule:
    return AlertRule(
        **_shared(rule, group),
        state=AlertState(rule.state) if rule.state in set(AlertState) else AlertState.UNKNOWN,
        for_seconds=rule.duration,
        keep_firing_seconds=rule.keep_firing_for,
        annotations=rule.annotations,
        alerts=[_alert(alert, rule) for alert in rule.alerts or []],
    )


def _recording(rule: _Rule, group: _Group) -> RecordingRule:
    return RecordingRule(**_shared(rule, group))


def _shared(rule: _Rule, group: _Group) -> dict[str, object]:
    return {
        "name": rule.name,
        "group": group.name,
        "file": group.file,
        "query": rule.query,
        "labels": rule.labels,
        "health": RuleHealth(rule.health) if rule.health in set(RuleHealth) else RuleHealth.UNKNOWN,
        "last_error": clean_words(rule.last_error),
        "last_evaluation": _evaluated(rule.last_evaluation),
        "evaluation_seconds": rule.evaluation_time,
        "interval_seconds": group.interval,
    }


def _evaluated(at: datetime | None) -> datetime | None:
    """Go's zero time stands for never."""
    return None if at is None or at.year == 1 else in_utc(at)


def _alert(alert: _Alert, rule: _Rule) -> Alert:
    return Alert(
        name=alert.labels.get("alertname", rule.name),
        labels=alert.labels,
        annotations=alert.annotations,
        state=AlertState(alert.state) if alert.state in set(AlertState) else AlertState.UNKNOWN,
        starts_at=_evaluated(alert.active_at),
        value=_number(alert.value),
    )


def _number(text: str) -> float | None:
    """A number as entities hold it: None for what is none, and for what JSON has not."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
