"""Which alerts fired at a time, by those who tell only how alerts stand a little later."""

from __future__ import annotations

from datetime import UTC, datetime

from fleet.frames.alerts import Alert, AlertFrame, AlertState, RuleFrame

_SEVERITIES = ("critical", "error", "major", "warning", "minor", "info")
"""Words that rules use, the worst first; what is not among them comes behind."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def firing_at(at: datetime, alerts: AlertFrame | None, rules: RuleFrame | None) -> list[Alert]:
    """The alerts that fire and began before a time, the most severe and then the oldest first.

    An Alertmanager knows which are silenced or inhibited; where it was not seen, Prometheus's own are taken. What ended
    between that time and the look is not among them.

    Args:
        at: the time (aware).
        alerts: what an Alertmanager knew after it, or None.
        rules: what a Prometheus evaluated after it, or None.
    """
    seen_at = at
    known: list[Alert] = []
    if alerts is not None:
        seen_at, known = alerts.at, alerts.alerts
    elif rules is not None:
        raised = [alert for rule in rules.alert_rules for alert in rule.alerts]
        seen_at, known = rules.at, [alert for alert in raised if alert.state is AlertState.FIRING]
    firing = [alert for alert in known if _had_begun(alert, at, seen_at)]
    return sorted(firing, key=lambda alert: (_rank(alert), alert.starts_at or _LONG_AGO, alert.name, alert.fingerprint))


def _had_begun(alert: Alert, at: datetime, seen_at: datetime) -> bool:
    """Also said of one that begins after it was seen: the cluster's clock is ahead, and hides nothing by it."""
    return alert.starts_at is None or alert.starts_at < at or alert.starts_at > seen_at


def _rank(alert: Alert) -> int:
    word = alert.severity.lower()
    return _SEVERITIES.index(word) if word in _SEVERITIES else len(_SEVERITIES)
