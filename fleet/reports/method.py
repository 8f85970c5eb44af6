"""How the report came about: what a reader must know to judge its claims."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from fleet.detectors.cohorts.trimmed import MIN_MEMBERS
from fleet.detectors.contract import Sensitivity
from fleet.frames.window import HISTORY
from fleet.inventory.cluster import Cluster
from fleet.reports.content import Definition, Definitions, Section, Statement
from fleet.reports.material import FleetReportMaterial
from fleet.reports.wording import duration, joined

DAILY = timedelta(days=3)
"""Of history, from which on what is usual is known for each time of day."""
_MOST_NAMES = 12


def method_section(material: FleetReportMaterial) -> Section:
    """Notes on sensitivity, baselines, grades, coverage and evidence."""
    notes = [
        ("Sensitivity", _sensitivity(material)),
        ("Strength", "How many times a finding's score is what it had to pass at this sensitivity."),
        ("Baselines", _baselines(material)),
        (
            "Like ones",
            "Nodes, pods, GPUs and clusters that should behave alike are compared with each other, whatever the "
            "sensitivity. Of findings at least as sure as one of these, the share q is to be expected to be chance; it "
            f"is below 0.01.{_uncompared(material)}",
        ),
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


def _sensitivity(material: FleetReportMaterial) -> str:
    budget = material.sensitivity.false_findings_per_day
    others = joined([f"{each.value} {each.false_findings_per_day:g}" for each in Sensitivity], len(Sensitivity))
    told = (
        f"{material.sensitivity.value}: {budget:g} false findings are to be expected per cluster of 5,000 series and "
        f"day, were nothing wrong ({others}); of fewer series (down to 500) or in a shorter window proportionally "
        "fewer, and of no series more than one in 100 days. Not counted in this are what passes a critical bound of "
        "the query pack, what fills up, changes of state, and what falls silent: these follow rules. Nor are "
        "comparisons with like ones."
    )
    return f"{told}{_unpromised(material)}"


def _unpromised(material: FleetReportMaterial) -> str:
    """Of which clusters the budget is not promised; empty where it is of all."""
    told = ""
    if alone := joined([each.name for each in material.judged_alone], _MOST_NAMES):
        told += f" For want of history this budget is not promised of {alone}: judged by this report's window alone."
    if short := _with_history(material, material.judged_by_little):
        told += f" Nor is it before a history of {HISTORY.days} days, since a first weekend may be news: {short}."
    return told


def _uncompared(material: FleetReportMaterial) -> str:
    """Of which clusters nothing is said beside others; empty where all were compared, or there is one."""
    few = "; ".join(f"{alike} ({_names(material, ids)})" for alike, ids in material.uncompared.items() if alike)
    told = f" For want of {MIN_MEMBERS} clusters alike, not compared with other clusters: {few}." if few else ""
    if unknown := material.uncompared.get(""):
        told += f" For want of a known version, not compared either: {_names(material, unknown)}."
    return told


def _names(material: FleetReportMaterial, cluster_ids: Sequence[str]) -> str:
    return joined([material.name_of(each) for each in cluster_ids], _MOST_NAMES)


def _baselines(material: FleetReportMaterial) -> str:
    parts = [
        "What is usual is learnt from up to 14 days before the window: level, spread, and from 3 days on the course of "
        "the day. Weekdays are not told apart, but what was as high a week before is no news."
    ]
    daily = [each for each in material.clusters if material.history.get(each.id, timedelta()) >= DAILY]
    short = [each for each in material.clusters if timedelta() < material.history.get(each.id, timedelta()) < DAILY]
    if daily:
        parts.append(f"The course of the day was learnt of {_with_history(material, daily)}.")
    if short:
        parts.append(f"Without it, for want of history: {_with_history(material, short)}.")
    if material.models:
        used = sorted(f"{material.name_of(each)} {version}" for each, version in material.models.items())
        parts.append(f"Versions of what was learnt (fleetscope model show): {joined(used, _MOST_NAMES)}.")
    return " ".join(parts)


def _with_history(material: FleetReportMaterial, clusters: Sequence[Cluster]) -> str:
    told = sorted(f"{each.name} ({duration(material.history[each.id])})" for each in clusters)
    return joined(told, _MOST_NAMES)
