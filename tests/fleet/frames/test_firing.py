"""Which alerts fired at the end of a window, by what was told a little later."""

from __future__ import annotations

from datetime import timedelta

from fleet.frames.alerts import Alert, AlertFrame, AlertRule, AlertState, RuleFrame, RuleHealth
from fleet.frames.firing import firing_at
from tests.fleet.reports.parts import END, alert


def rule(name: str, state: AlertState, alerts: list[Alert], health: RuleHealth = RuleHealth.OK) -> AlertRule:
    return AlertRule(name=name, group="g", file="f", query="up == 0", health=health, state=state, alerts=alerts)


def test_the_most_severe_come_first_and_what_began_later_is_not_among_them() -> None:
    known = [alert("New", began=-0.05), alert("Dull", "none", 9), alert("Young"), alert("Old", began=7)]
    worst = alert("Worst", "critical", 1, state=AlertState.SUPPRESSED, silenced_by=["s"])
    frame = AlertFrame(at=END + timedelta(minutes=5), alerts=[*known, worst])
    assert [each.name for each in firing_at(END, frame, None)] == ["Worst", "Old", "Young", "Dull"]


def test_an_alert_of_a_cluster_whose_clock_is_ahead_is_told() -> None:
    """It fires although it says that it will begin only after the look: nobody knows when it did."""
    looked = END + timedelta(minutes=5)
    ahead = alert("Ahead", began=-3)
    assert firing_at(END, AlertFrame(at=looked, alerts=[ahead]), None) == [ahead]
    raised = ahead.model_copy(update={"state": AlertState.FIRING})
    rules = RuleFrame(at=looked, alert_rules=[rule("Ahead", AlertState.FIRING, [raised])])
    assert firing_at(END, None, rules) == [raised]


def test_prometheus_tells_where_no_alertmanager_does() -> None:
    firing, pending = (alert(state, state=state, fingerprint="") for state in (AlertState.FIRING, AlertState.PENDING))
    rules = RuleFrame(at=END, alert_rules=[rule("Down", AlertState.FIRING, [firing, pending])])
    assert firing_at(END, None, rules) == [firing]
    assert firing_at(END, AlertFrame(at=END), rules) == []


def test_of_rules_those_are_kept_that_tell_something() -> None:
    frame = RuleFrame(
        at=END,
        alert_rules=[
            rule("Firing", AlertState.FIRING, []),
            rule("Quiet", AlertState.INACTIVE, []),
            rule("Broken", AlertState.INACTIVE, [], RuleHealth.ERR),
        ],
    )
    assert [each.name for each in frame.telling.alert_rules] == ["Firing", "Broken"]
