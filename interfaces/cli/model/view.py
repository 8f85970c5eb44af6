"""Versions of learnt state as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Column, Table

from fleet.detectors.model_version import ModelVersion, QueryQuality
from interfaces.cli.tables import printable, utc

_FEW = 0.1
"""Below that, an expected number is told to one digit."""


def standing_of(version: ModelVersion) -> str:
    """Whether scans use a version, in words."""
    if version.damaged:
        return "damaged"
    if not version.readable:
        return "of another release"
    if version.active:
        return "active, pinned" if version.pinned else "active"
    return "-"


def trained_on(version: ModelVersion) -> str:
    """The time that a version was learnt from, in words."""
    days = round(version.window.seconds / 86_400)
    return f"{len(version.sources)} of {days} days to {version.window.end:%Y-%m-%d}"


def version_table(versions: Sequence[ModelVersion], names: Mapping[str, str]) -> Table:
    """Versions, a line each."""
    table = Table(_whole("cluster"), _whole("pack"), _right("version"), "learnt from", _right("series"), "standing")
    for each in versions:
        table.add_row(
            printable(names[each.cluster_id]),
            printable(each.pack_name),
            str(each.version),
            trained_on(each),
            f"{each.series:,}",
            standing_of(each),
        )
    return table


def print_version(console: Console, name: str, version: ModelVersion) -> None:
    """What is true of a whole version."""
    size = sum(part.object_bytes for part in version.parts) / 2**20
    console.print(f"{name}: version {version.version} of pack {printable(version.pack_name)}: {standing_of(version)}")
    console.print(
        f"{version.series:,} series, learnt from {trained_on(version)}, at {utc(version.created_at)} by fleetscope "
        f"{printable(version.package_version)} (learning code {version.learning_version}); "
        f"{len(version.parts)} object{'' if len(version.parts) == 1 else 's'}, {size:,.1f} MiB"
    )


def quality_table(queries: Sequence[QueryQuality]) -> Table:
    """How well each query was learnt, and all of them together; a dash where that is not told."""
    headings = ("series", "known", "days", "seasonal", "tail", "passed HIGH")
    table = Table(_whole("query"), *(_right(heading) for heading in headings))
    for each in queries:
        table.add_row(
            printable(each.query_id),
            f"{each.series:,}",
            _share(each.known_share),
            _number(each.days),
            _share(each.seasonal_share),
            _number(each.tail_shape),
            _exceedances(each),
        )
    told = [each for each in queries if each.exceedances is not None and each.exceedances_expected is not None]
    passed = sum(each.exceedances or 0 for each in told)
    expected = sum(each.exceedances_expected or 0.0 for each in told)
    table.caption = (
        "known: series with enough past; seasonal: with a daily season; tail: shape of the pooled tail, heavy above 0; "
        "passed HIGH: series and days of the past's last week that did, and how many were to be expected: "
        f"in all {_of(passed, expected)}"
    )
    table.caption_justify = "left"
    return table


def _whole(heading: str) -> Column:
    """A column of names, which are folded and never cut."""
    return Column(heading, overflow="fold")


def _right(heading: str) -> Column:
    return Column(heading, justify="right")


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _exceedances(quality: QueryQuality) -> str:
    if quality.exceedances is None or quality.exceedances_expected is None:
        return "-"
    return _of(quality.exceedances, quality.exceedances_expected)


def _of(passed: int, expected: float) -> str:
    return f"{passed} of {expected:.1f}" if expected >= _FEW else f"{passed} of {expected:.1g}"
