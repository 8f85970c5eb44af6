"""What each sensitivity would have raised on days that are over: days replayed, counted, set against the budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from fleet.detectors.calibration.budget import false_findings_per_day, part_of_budget
from fleet.detectors.contract import Sensitivity
from fleet.findings.finding import Finding
from fleet.frames.pack import Severity
from fleet.frames.window import Window

MOST_EXAMPLES = 5
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class ReplayedDay:
    """One day of one cluster, judged by what was learnt from the days before it.

    Attributes:
        cluster: its name.
        window: the day (UTC), or what of it is stored.
        step_seconds: of the frames that were judged.
        series: that were judged.
        findings: what each sensitivity raised.
    """

    cluster: str
    window: Window
    step_seconds: int
    series: int
    findings: Mapping[Sensitivity, Sequence[Finding]]


@dataclass(frozen=True)
class MissingDay:
    """A day that could not be replayed, or not whole, and why."""

    cluster: str
    window: Window
    reason: str


class Example(BaseModel):
    """A finding that would have been raised."""

    model_config = ConfigDict(frozen=True)

    cluster: str
    title: str
    severity: Severity
    start: AwareDatetime
    end: AwareDatetime
    strength: float
    """Its score as a multiple of what it had to pass."""


class Setting(BaseModel):
    """What one sensitivity would have raised in all.

    Attributes:
        sensitivity: which.
        raised: findings, each counted on each day that it was seen.
        expected: false findings that its budget allows on these days, were nothing wrong.
        a_day: raised per day and 5,000 series; a cluster of fewer than 500 counts as one of 500.
        worst: the strongest of what was raised.
    """

    model_config = ConfigDict(frozen=True)

    sensitivity: Sensitivity
    raised: int
    expected: float
    a_day: float
    worst: list[Example]


class Backtest(BaseModel):
    """A replay of stored days.

    Attributes:
        cluster_days: how many days of how many clusters were judged; parts of days count as parts.
        series_days: the same in series.
        settings: from LOW to EXTREME.
        budget: findings per day and 5,000 series that the reader wants to see at most.
        suggested: the most sensitive setting that stays within it; None where none does, or nothing was judged.
        missing: what could not be replayed, in words, by cluster.
    """

    model_config = ConfigDict(frozen=True)

    cluster_days: float
    series_days: float
    settings: list[Setting]
    budget: float
    suggested: Sensitivity | None
    missing: dict[str, list[str]]


@dataclass
class _Sum:
    raised: int = 0
    expected: float = 0.0
    findings: list[tuple[str, Finding]] = field(default_factory=list)

    def add(self, cluster: str, findings: Sequence[Finding]) -> None:
        self.raised += len(findings)
        known = [*self.findings, *((cluster, each) for each in findings)]
        self.findings = sorted(known, key=lambda each: (-each[1].strength, each[1].fingerprint))[:MOST_EXAMPLES]


def backtest_of(days: Iterable[ReplayedDay | MissingDay], budget: float) -> Backtest:
    """Count what replayed days raised; only the strongest findings are held.

    Args:
        days: as they are replayed, in any order.
        budget: findings per day and 5,000 series that the reader wants to see at most.
    """
    sums = {each: _Sum() for each in Sensitivity}
    missing: dict[str, dict[str, list[Window]]] = {}
    cluster_days = series_days = budgets = 0.0
    for day in days:
        if isinstance(day, MissingDay):
            missing.setdefault(day.cluster, {}).setdefault(day.reason, []).append(day.window)
            continue
        length = (day.window.end - day.window.start) / _DAY
        cluster_days += length
        series_days += length * day.series
        budgets += length * part_of_budget(day.series)
        for sensitivity, total in sums.items():
            total.add(day.cluster, day.findings[sensitivity])
            total.expected += length * false_findings_per_day(sensitivity, day.series)
    settings = [_setting(sensitivity, total, budgets) for sensitivity, total in sums.items()]
    within = [each.sensitivity for each in settings if series_days and each.a_day <= budget]
    return Backtest(
        cluster_days=cluster_days,
        series_days=series_days,
        settings=settings,
        budget=budget,
        suggested=within[-1] if within else None,
        missing={cluster: [_told(*each) for each in reasons.items()] for cluster, reasons in missing.items()},
    )


def _setting(sensitivity: Sensitivity, total: _Sum, budgets: float) -> Setting:
    return Setting(
        sensitivity=sensitivity,
        raised=total.raised,
        expected=total.expected,
        a_day=total.raised / budgets if budgets else 0.0,
        worst=[
            Example(
                cluster=cluster,
                title=finding.title,
                severity=finding.severity,
                start=finding.window.start,
                end=finding.window.end,
                strength=finding.strength,
            )
            for cluster, finding in total.findings
        ],
    )


def _told(reason: str, windows: Sequence[Window]) -> str:
    first, last = min(each.start for each in windows), max(each.start for each in windows)
    days = (
        f"{first:%Y-%m-%d}"
        if first.date() == last.date()
        else f"{len(windows)} days, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    )
    return f"{days}: {reason}"
