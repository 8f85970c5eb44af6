"""Alerts, silences and rules for people. All of their words are untrusted text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from fleet.findings.quantity import time_span
from fleet.frames.alerts import Alert, AlertRule, AlertState, RecordingRule, RuleHealth, Silence
from interfaces.cli.query.alert_answers import AlertsFound, RulesFound
from interfaces.cli.query.asking import Answer
from interfaces.cli.query.series import label_words
from interfaces.cli.tables import SEVERITY_STYLE, printable, utc

_TOLD_APART = {"alertname", "severity"}
_SEVERITIES = ("critical", "warning", "info")
_STATE_STYLE = {"active": "bold red", "firing": "bold red", "pending": "yellow", "suppressed": "dim", "expired": "dim"}


def print_alerts(console: Console, limit: int, answers: Sequence[Answer[AlertsFound]]) -> None:
    """The alerts of several clusters: what fires first, by severity; then what somebody or something suppresses."""
    rows = [
        (answer.cluster, alert, answer.found)
        for answer in answers
        if answer.found is not None
        for alert in answer.found.alerts
    ]
    if not rows:
        console.print("No alerts.")
        return
    rows.sort(key=lambda row: (row[1].state is AlertState.SUPPRESSED, _rank(row[1].severity), row[0], row[1].name))
    table = _table("cluster", "severity", "alert", "since", "state")
    shown = rows[:limit] if limit else rows
    for cluster, alert, found in shown:
        since = utc(alert.starts_at)
        table.add_row(cluster, _severity(alert.severity), _what(alert), since, _state(alert, found))
    console.print(table)
    _say_rest(console, len(shown), len(rows), "alerts")
    states = Counter(row[1].state.value for row in rows)
    console.print(", ".join(f"{count} {state}" for state, count in states.most_common()))


def print_silences(console: Console, limit: int, answers: Sequence[Answer[AlertsFound]]) -> None:
    """The silences of several clusters: those that hold, those to come, those that expired lately."""
    order = ["active", "pending"]
    rows = [
        (answer.cluster, silence) for answer in answers if answer.found is not None for silence in answer.found.silences
    ]
    if not rows:
        console.print("No silences.")
        return
    rows.sort(key=lambda row: (order.index(row[1].state) if row[1].state in order else 2, row[0], row[1].ends_at))
    table = _table("cluster", "state", "silences", "until", "by", "comment")
    shown = rows[:limit] if limit else rows
    for cluster, silence in shown:
        words = printable(_matchers(silence))
        end, comment = utc(silence.ends_at), printable(silence.comment)
        table.add_row(cluster, _styled(silence.state.value), words, end, printable(silence.created_by), comment)
    console.print(table)
    _say_rest(console, len(shown), len(rows), "silences")


def print_rules(console: Console, limit: int, answers: Sequence[Answer[RulesFound]]) -> None:
    """The rules of several clusters: those that cannot be evaluated and those that fire first."""
    rows: list[tuple[str, AlertRule | RecordingRule]] = [
        (answer.cluster, rule) for answer in answers if answer.found is not None for rule in answer.found.rules
    ]
    if not rows:
        console.print("No rules.")
        return
    rows.sort(key=lambda row: (row[1].health is not RuleHealth.ERR, _rule_rank(row[1]), row[0], row[1].name))
    table = _table("cluster", "rule", "group", "state", "alerts", "health")
    shown = rows[:limit] if limit else rows
    for cluster, rule in shown:
        table.add_row(cluster, printable(rule.name), printable(rule.group), *_rule_state(rule), _health(rule))
    console.print(table)
    _say_rest(console, len(shown), len(rows), "rules")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(
            heading, overflow="fold", no_wrap=heading in {"cluster", "severity", "since", "until", "state"}
        )
    return table


def _say_rest(console: Console, shown: int, total: int, what: str) -> None:
    if shown < total:
        console.print(f"The first {shown:,} of {total:,} {what}; --limit 0 shows all.")


def _rank(severity: str) -> int:
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)


def _severity(severity: str) -> str:
    style = SEVERITY_STYLE.get(severity, "")
    return f"[{style}]{severity}[/]" if style else printable(severity) or "-"


def _styled(state: str) -> str:
    style = _STATE_STYLE.get(state, "")
    return f"[{style}]{state}[/]" if style else state


def _what(alert: Alert) -> str:
    """Its name, the labels that say where, and its summary."""
    labels = {name: value for name, value in alert.labels.items() if name not in _TOLD_APART}
    words = f"[bold]{printable(alert.name)}[/] [dim]{printable(label_words(labels)) if labels else ''}[/]"
    summary = alert.annotations.get("summary") or alert.annotations.get("description", "")
    return f"{words}\n{printable(summary)}" if summary else words


def _state(alert: Alert, found: AlertsFound) -> str:
    silences = {each.id: each for each in found.frame.silences}
    names = {each.fingerprint: each.name for each in found.frame.alerts}
    reasons = [_silenced(silence_id, silences) for silence_id in alert.silenced_by]
    reasons += [f"inhibited by {names.get(fingerprint, fingerprint)}" for fingerprint in alert.inhibited_by]
    return "\n".join([_styled(alert.state.value), *map(printable, reasons)])


def _silenced(silence_id: str, silences: dict[str, Silence]) -> str:
    silence = silences.get(silence_id)
    if silence is None:
        return f"silenced by {silence_id}"
    left = time_span(max(0.0, (silence.ends_at - datetime.now(UTC)).total_seconds()))
    return f"silenced by {silence.created_by or 'nobody named'}, {left} left"


def _matchers(silence: Silence) -> str:
    signs = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
    return ", ".join(f'{each.name}{signs[each.is_equal, each.is_regex]}"{each.value}"' for each in silence.matchers)


def _rule_rank(rule: AlertRule | RecordingRule) -> int:
    order = (AlertState.FIRING, AlertState.PENDING)
    if isinstance(rule, AlertRule):
        return order.index(rule.state) if rule.state in order else len(order)
    return len(order) + 1


def _rule_state(rule: AlertRule | RecordingRule) -> tuple[str, str]:
    if isinstance(rule, AlertRule):
        return _styled(rule.state.value), str(len(rule.alerts)) if rule.alerts else ""
    return "[dim]recording[/]", ""


def _health(rule: AlertRule | RecordingRule) -> str:
    if rule.health is RuleHealth.OK:
        return "ok"
    return f"[bold red]{rule.health.value}[/] {printable(rule.last_error)}".strip()
