"""The alerts of one cluster as its section shows them."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.frames.alerts import Alert, AlertState
from fleet.reports.content import Block, Cell, Column, Paragraph, Statement, Table, Tone
from fleet.reports.wording import brief, counted, short_time

MOST_ALERTS = 10
_TONES = {"critical": Tone.CRITICAL, "warning": Tone.WARNING, "info": Tone.INFO}
_PLACES = ("pod", "deployment", "statefulset", "daemonset", "node", "instance", "job")
"""Labels that name the thing that an alert is about, the most particular first."""


def alerts_block(alerts: Sequence[Alert]) -> Block:
    """The alerts that were firing at the end of the window, in the order given: at most ten, and how many more."""
    if not alerts:
        return Paragraph(statements=[Statement(text="No alert of the window was still firing when the scan looked.")])
    left = len(alerts) - MOST_ALERTS
    return Table(
        caption="Alerts that were firing at the end of the window, the most severe first",
        columns=[
            Column(title="Alert", weight=28),
            Column(title="Severity", weight=12),
            Column(title="Where", weight=30),
            Column(title="Since (UTC)", weight=14),
            Column(title="State", weight=16),
        ],
        rows=[_row(alert) for alert in alerts[:MOST_ALERTS]],
        note=f"And {counted(left, 'more alert')}." if left > 0 else "",
    )


def _row(alert: Alert) -> list[Cell]:
    severity = alert.severity
    return [
        Cell(text=brief(alert.name or "–", 60)),
        Cell(text=brief(severity, 20) or "–", tone=_TONES.get(severity.lower(), Tone.PLAIN)),
        Cell(text=brief(_place(alert), 80)),
        Cell(text=short_time(alert.starts_at) if alert.starts_at else "–"),
        Cell(text=_standing(alert)),
    ]


def _place(alert: Alert) -> str:
    thing = next((alert.labels[label] for label in _PLACES if alert.labels.get(label)), "")
    return "/".join(filter(None, [alert.labels.get("namespace", ""), thing])) or "–"


def _standing(alert: Alert) -> str:
    words = [word for word, by in (("silenced", alert.silenced_by), ("inhibited", alert.inhibited_by)) if by]
    if alert.state is AlertState.SUPPRESSED and not words:
        return "suppressed"
    # Prometheus does not know of silences.
    return " and ".join(words) or ("firing" if alert.fingerprint else "firing; silences not known")
