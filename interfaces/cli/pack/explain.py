"""``fleetscope pack explain``: what the queries of a pack measure and how they are judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.pack.options import PackOption, chosen_pack
from interfaces.cli.terminal import out, print_json

if TYPE_CHECKING:
    from fleet.frames.pack import PackQuery, QueryPack


def explain(
    ids: Annotated[list[str] | None, typer.Argument(help="Only these queries, in full.", metavar="[ID]...")] = None,
    pack: PackOption = None,
    group: Annotated[str, typer.Option(help="Only this group, such as control-plane.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Tell what each query measures, on what, which side hurts, its thresholds, and in which forms it is asked."""
    chosen = chosen_pack(pack)
    queries = _chosen(chosen, ids or [], group)
    if json:
        print_json({"pack": chosen.name, "version": chosen.version, "hash": chosen.content_hash, "queries": queries})
    elif ids:
        for query in queries:
            _print_detail(query)
    else:
        _print_tables(queries)


def _chosen(pack: QueryPack, ids: list[str], group: str) -> list[PackQuery]:
    from fleet.errors import NotFound
    from fleet.frames.pack import SignalGroup

    groups = [each.value for each in SignalGroup]
    if group and group not in groups:
        raise typer.BadParameter(f"{group!r} is no group; there are {', '.join(groups)}")
    known = {query.id for query in pack.queries}
    unknown = [each for each in ids if each not in known]
    if unknown:
        words = f"The pack {pack.name} has no query {', '.join(unknown)}."
        raise NotFound(words, hint="`fleetscope pack explain` lists them.")
    return [
        query for query in pack.queries if (not ids or query.id in ids) and (not group or query.group.value == group)
    ]


def _print_tables(queries: list[PackQuery]) -> None:
    from rich.table import Column, Table

    from fleet.frames.pack import SignalGroup
    from interfaces.cli.tables import printable

    for group in SignalGroup:
        own = [query for query in queries if query.group is group]
        if not own:
            continue
        headings = [Column(heading, no_wrap=True) for heading in ("hurts", "thresholds", "forms")]
        first = Column("query", no_wrap=True), Column("what", ratio=1, overflow="fold")
        table = Table(*first, *headings, title=group.value, title_justify="left")
        for query in own:
            bounds = [_bound(each, query.unit) for each in (query.thresholds.warning, query.thresholds.critical)]
            thresholds = " / ".join(bound or "-" for bound in bounds) if any(bounds) else ""
            hurts, forms = query.direction.value, str(len(query.variants))
            table.add_row(query.id, printable(query.title), hurts, thresholds, forms)
        out().print(table)


def _bound(value: float | None, unit: str) -> str:
    from fleet.findings.quantity import quantity
    from interfaces.cli.tables import printable

    return "" if value is None else printable(quantity(value, unit))


def _print_detail(query: PackQuery) -> None:
    from interfaces.cli.tables import printable

    console = out()
    labels = [f"{role}={label}" for role, label in query.subject if role != "kind" and label]
    about = f"{query.subject.kind.value} ({', '.join(labels)})" if labels else query.subject.kind.value
    console.print(f"[bold]{query.id}[/] [dim]{query.group.value}[/]")
    facts = [
        ("what", query.title),
        ("value", query.unit if query.unit == query.kind.value else f"{query.kind.value}, in {query.unit}"),
        ("about", about),
        ("hurts", f"{query.direction.value}, at worst {query.severity.value}"),
        ("warning", _bound(query.thresholds.warning, query.unit) or "only by deviation"),
        ("critical", _bound(query.thresholds.critical, query.unit) or "only by deviation"),
    ]
    for name, text in facts:
        console.print(f"  [dim]{name:9}[/]{printable(text)}", soft_wrap=True)
    for number, form in enumerate(query.variants):
        name = "asked" if number == 0 else f"otherwise, where the server has {', '.join(form.needs)}"
        needs = f" [dim](needs {', '.join(form.needs)})[/]" if number == 0 else ""
        console.print(f"  [dim]{name}[/]{needs}", soft_wrap=True)
        console.print(f"    {printable(form.promql)}", soft_wrap=True)
