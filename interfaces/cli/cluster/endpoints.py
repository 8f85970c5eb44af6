"""``fleetscope cluster endpoints``: the endpoints that a cluster seems to have, tried before they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.cluster import options
from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import err, out, print_json

if TYPE_CHECKING:
    from fleet.credentials import CredentialSource
    from fleet.inventory.candidate import EndpointCandidate, EndpointSearch, TriedCandidate
    from fleet.inventory.cluster import Cluster
    from fleet.inventory.registration import FieldDifference
    from storage.stores import Stores


def endpoints(
    name: options.NameArgument,
    store: Annotated[
        bool, typer.Option("--store", help="Register the best that answers of each kind that is not registered yet.")
    ] = False,
    choose: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Register this one, whatever it answers; may be repeated.")
    ] = None,
    json: options.JsonOption = False,
) -> None:
    """Find Prometheus, Alertmanager, Loki, Tempo and Korrel8r of a cluster from its own Routes and Services.

    Each is asked what its collector would ask, and shown with what it answered and why it is believed to be one; a
    Route outside the platform's own namespaces is asked when it is chosen only. Nothing is registered without --store
    or --choose. Exits with 4 when something could not be looked at.
    """
    from fleet.collectors.kubernetes.endpoints import find_endpoints
    from fleet.collectors.trying import try_candidates
    from fleet.inventory.candidate import missing_that_answer
    from fleet.inventory.cluster import EndpointKind
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        cluster = stores.clusters.by_name(name)
        ref = cluster.credential_ref

        def source_of(kind: EndpointKind) -> CredentialSource | None:
            return stores.credentials.source(ref, kind) if ref else None

        governor = stores.governor.of(cluster, EndpointKind.KUBERNETES)
        search = find_endpoints(cluster, source_of(EndpointKind.KUBERNETES), governor=governor)
        tried = try_candidates(cluster, search.candidates, source_of, choose or [])
        proposed = missing_that_answer(cluster, tried)
        chosen = _named(tried, choose or []) + (proposed if store else [])
        differences = _store(stores, name, chosen) if chosen else []
    if json:
        print_json({"candidates": tried, "notes": search.notes, "gaps": search.gaps, "stored": differences})
    else:
        _show(cluster, search, tried)
        if chosen:
            _show_stored(name, differences)
        elif proposed:
            kinds = ", ".join(each.kind.value for each in proposed)
            err().print(f"`fleetscope cluster endpoints {name} --store` registers {kinds}.", soft_wrap=True)
    raise typer.Exit(ExitCode.GAPS if search.gaps else ExitCode.FINE)


def _named(tried: Sequence[TriedCandidate], urls: list[str]) -> list[EndpointCandidate]:
    by_url = {each.candidate.endpoint.url: each.candidate for each in tried}
    for url in urls:
        if url not in by_url:
            raise typer.BadParameter(f"{url!r} is none of the endpoints found; `cluster update` registers any address")
    return [by_url[url] for url in urls]


def _store(stores: Stores, name: str, chosen: Sequence[EndpointCandidate]) -> list[FieldDifference]:
    from fleet.inventory.candidate import with_credentials, with_endpoints

    _, differences = stores.registry.update(
        name, lambda known: with_endpoints(known, chosen), lambda stored: with_credentials(stored, chosen)
    )
    return differences


def _show(cluster: Cluster, search: EndpointSearch, tried: Sequence[TriedCandidate]) -> None:
    """A few lines a candidate, no table: its address stands whole on a line, to be copied."""
    from interfaces.cli.tables import printable

    for each in tried:
        candidate = each.candidate
        registered = cluster.endpoints.get(candidate.kind)
        state = ", registered" if registered and registered.url == candidate.endpoint.url else ""
        status, words = _answer(each)
        out().print(f"[bold]{candidate.kind.value}[/] {status}{state}: {words}")
        for line in (candidate.endpoint.url, f"{candidate.found}: {candidate.reason}"):
            out().print(f"  {printable(line)}", soft_wrap=True)
    if not tried:
        out().print("No endpoint was found.")
    for note in search.notes:
        out().print(printable(note), soft_wrap=True)
    for gap in search.gaps:
        out().print(f"[bold red]unknown[/] {printable(gap.part)}: {printable(gap.reason)}", soft_wrap=True)


def _answer(tried: TriedCandidate) -> tuple[str, str]:
    """Status and words of what a candidate answered."""
    from interfaces.cli.tables import printable

    answer = tried.answer
    if answer is None:
        return "[yellow]not asked[/]", (
            "Whoever may make Routes in its namespace could have made it, to be sent the cluster's credential: "
            "--choose its URL if it is yours."
        )
    style = "green" if tried.answers else "bold red"
    words = f"{answer.version} {answer.message} {'' if tried.answers else answer.hint}"
    return f"[{style}]{answer.status.value}[/]", printable(" ".join(words.split()))


def _show_stored(name: str, differences: list[FieldDifference]) -> None:
    from fleet.inventory.registration import PlannedChange, Step
    from interfaces.cli.cluster.plan import print_changes

    step = Step.CHANGED if differences else Step.UNCHANGED
    print_changes(out(), [PlannedChange(name=name, step=step, differences=differences)])
