"""How the report came about: what a reader must know to judge its claims."""

from __future__ import annotations

from datetime import timedelta

from fleet.reports.content import Definition, Definitions, Section, Statement
from fleet.reports.material import FleetReportMaterial
from fleet.reports.wording import duration, joined

_DAILY = timedelta(days=3)
_MOST_NAMES = 12


def method_section(material: FleetReportMaterial) -> Section:
    """Notes on sensitivity, baselines, grades, coverage and evidence."""
    budget = material.sensitivity.false_findings_per_day
    notes = [
        (
            "Sensitivity",
            f"{material.sensitivity.value}: at most about {budget:g} false findings are to be expected per day in a "
            "cluster of 5,000 series on which nothing is wrong. Scores are higher the more anomalous a value is; what "
            "they had to pass depends on the sensitivity, not on the detector.",
        ),
        ("Baselines", _baselines(material)),
        (
            "Grades",
            "A: nothing open but hints. B: a warning. C: a warning that users feel, or less than 80% seen of the "
            "metrics that were asked for. D: critical. F: critical, and users feel it. Where no metrics were seen, a "
            "cluster is not graded. Alerts, logs, traces and events that were not seen do not change a grade. The "
            "fleet's grade is the distribution, not a mean.",
        ),
        (
            "Coverage",
            "Told for each signal: metrics, alerts, logs, traces, events. ok: seen whole; absent: the cluster does not "
            "have it; partial: seen with gaps; unknown: could not be seen, or no source of it is registered. Unknown "
            "is never read as healthy.",
        ),
        (
            "Samples",
            "Of logs the newest error lines of each hour are kept, of traces the newest with errors: where there were "
            "more, the coverage says so. Alerts are those that were there when the scan looked, shortly after the end "
            "of the window, and had begun before it; what ended in between is not among them.",
        ),
        (
            "Causes",
            "Ranked by how early, how strong, how close and how specific each is, and by what speaks against it. "
            "The confidence orders causes; it is not a measured probability. Labels like E1.2 point at the appendix.",
        ),
        ("Time", "All times are UTC. Windows include their start and exclude their end."),
    ]
    items = [Definition(term=term, statements=[Statement(text=text)]) for term, text in notes]
    return Section(anchor="method", title="How to read this report", blocks=[Definitions(items=items)])


def _baselines(material: FleetReportMaterial) -> str:
    rule = (
        "What is usual is learnt from up to 14 days of history. Below 3 days there is no daily season, and below 21 "
        "no weekday season: a quiet Sunday can then look unusual."
    )
    short = sorted(
        f"{material.name_of(each)} ({duration(length)})" for each, length in material.history.items() if length < _DAILY
    )
    if short:
        rule += f" Without a daily season, for want of history: {joined(short, _MOST_NAMES)}."
    if material.models:
        used = sorted(f"{material.name_of(each)} {version}" for each, version in material.models.items())
        rule += f" Versions of what was learnt (`fleetscope model show`): {joined(used, _MOST_NAMES)}."
    unlearnt = sorted(cluster.name for cluster in material.clusters if cluster.id not in material.history)
    if unlearnt:
        rule += f" Length of the history not known: {joined(unlearnt, _MOST_NAMES)}."
    return rule
