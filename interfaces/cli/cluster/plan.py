"""What a registration changes, as people read it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from fleet.inventory.registration import FieldDifference, PlannedChange, Step
from interfaces.cli.tables import printable

_STYLE = {Step.ADDED: "green", Step.CHANGED: "yellow", Step.UNCHANGED: "dim", Step.REMOVED: "red"}
_SIGN = {Step.ADDED: "+", Step.CHANGED: "~", Step.UNCHANGED: "=", Step.REMOVED: "-"}


def print_changes(console: Console, changes: Sequence[PlannedChange]) -> None:
    """Each change with the fields that differ; clusters that stay as they are by their number."""
    for change in changes:
        if change.step is Step.UNCHANGED:
            continue
        style = _STYLE[change.step]
        console.print(f"[{style}]{_SIGN[change.step]} {printable(change.name)}[/] {change.step.value}", soft_wrap=True)
        for difference in change.differences:
            console.print(f"    {_words(difference, change.step)}", soft_wrap=True)
    counts = {step: sum(change.step is step for change in changes) for step in Step}
    console.print(", ".join(f"{count} {step.value}" for step, count in counts.items() if count))


def _words(difference: FieldDifference, step: Step) -> str:
    field = printable(difference.field)
    if difference.is_of_credential:
        verb = "added" if difference.before is None else "removed" if difference.after is None else "changed"
        return f"{field}: {verb}"
    if step is Step.ADDED:
        return f"{field}: {_value(difference.after)}"
    return f"{field}: {_value(difference.before)} → {_value(difference.after)}"


def _value(value: str | None) -> str:
    return "[dim]none[/]" if value is None else printable(value) or '""'
