"""``fleetscope cluster import``: clusters from a kubeconfig, or from a hub of Advanced Cluster Management."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.cluster import options
from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import err, out, parse_labels, print_json

if TYPE_CHECKING:
    from fleet.inventory.import_sources import Given
    from fleet.inventory.imports import FoundCluster, SkippedCluster
    from fleet.inventory.registration import PlannedChange
    from storage.stores import Stores


def import_clusters(
    kubeconfig: Annotated[Path | None, typer.Option(help="Register clusters of this file's contexts.")] = None,
    acm: Annotated[
        str, typer.Option(metavar="HUB", help="Register the ManagedClusters that this registered cluster knows.")
    ] = "",
    context: Annotated[list[str] | None, typer.Option(help="Only this context; may be repeated.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every context of the file.")] = False,
    name: Annotated[str, typer.Option(help="The cluster's name, where one context is chosen.")] = "",
    environment: options.EnvironmentOption = "",
    region: options.RegionOption = "",
    label: options.LabelOption = None,
    token_file: Annotated[
        Path | None, typer.Option(help="File with a bearer token for each of them, in place of the source's own.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    json: options.JsonOption = False,
) -> None:
    """Register clusters that are known elsewhere; what the import does not know of them stays as it is registered.

    Programs that a kubeconfig names are never run. What cannot be taken is said with the reason, and the others go on:
    the exit code is 4 then, and 3 when none could be taken. Clusters of a hub come without credentials, and are
    inactive until they have some and are activated.
    """
    from fleet.inventory.import_sources import Given
    from interfaces.cli.registration import CredentialFiles
    from interfaces.cli.workspace import open_workspace

    if (kubeconfig is None) == (not acm):
        raise typer.BadParameter("name either a --kubeconfig or an --acm hub")
    if acm and (context or every or name):
        raise typer.BadParameter("--context, --all and --name are for a --kubeconfig")
    given = Given(
        environment=environment,
        region=region,
        labels=parse_labels(label or []),
        credential=CredentialFiles(token_file=token_file).read(Path()),
    )
    source = _of_kubeconfig(kubeconfig, context or [], given, name=name, every=every) if kubeconfig else None
    with open_workspace() as stores:
        found, skipped = source or _of_hub(stores, acm, given)
        outcome = _take(stores, found, skipped, dry_run=dry_run)
    if json:
        print_json(vars(outcome))
    else:
        _show(outcome, kubeconfig)
    raise typer.Exit(_exit_code(outcome))


@dataclass(frozen=True)
class Imported:
    """A cluster that was taken: what it was found as, its name here, and what should be known of it."""

    source: str
    name: str
    active: bool
    notes: list[str]


@dataclass(frozen=True)
class Outcome:
    """What an import came to: clusters with the changes to them, and what was not taken."""

    imported: list[Imported]
    changes: list[PlannedChange]
    skipped: list[SkippedCluster]
    applied: bool


def _of_kubeconfig(
    file: Path, chosen: list[str], given: Given, *, name: str, every: bool
) -> tuple[list[FoundCluster], list[SkippedCluster]]:
    from fleet.errors import UsageError
    from fleet.inventory.import_sources import clusters_of_contexts
    from fleet.inventory.kubeconfig import load_kubeconfig
    from fleet.inventory.naming import cluster_name_of

    contexts = load_kubeconfig(file).contexts
    known = [each.name for each in contexts]
    there = f"{file} has the contexts {', '.join(known)}." if known else f"{file} has no contexts."
    missing = [each for each in chosen if each not in known]
    if missing:
        raise UsageError(f"There is no context {missing[0]!r}.", hint=there)
    if not contexts:
        raise UsageError(there)
    if every == bool(chosen):
        raise UsageError("Choose contexts with --context, or take all of them with --all.", hint=there)
    if name and len(chosen) != 1:
        raise UsageError("--name is for one chosen context.")
    if name != cluster_name_of(name):
        raise UsageError(f"{name!r} cannot name a cluster.", hint="Lower-case letters, digits and dashes, at most 63.")
    return clusters_of_contexts([each for each in contexts if every or each.name in chosen], given, name)


def _of_hub(stores: Stores, name: str, given: Given) -> tuple[list[FoundCluster], list[SkippedCluster]]:
    from fleet.collectors.kubernetes.managed_clusters import collect_managed_clusters
    from fleet.inventory.cluster import EndpointKind
    from fleet.inventory.import_sources import clusters_of_hub

    hub = stores.clusters.by_name(name)
    source = stores.credentials.source(hub.credential_ref, EndpointKind.KUBERNETES) if hub.credential_ref else None
    governor = stores.governor.of(hub, EndpointKind.KUBERNETES)
    return clusters_of_hub(collect_managed_clusters(hub, source, governor=governor), hub, given)


def _take(stores: Stores, found: list[FoundCluster], skipped: list[SkippedCluster], *, dry_run: bool) -> Outcome:
    from fleet.inventory.imports import sorted_out, with_default
    from fleet.inventory.registration import Registration

    taken, refused = sorted_out(found, stores.clusters.list(active=None))
    registrations = []
    for each in taken:
        stored = stores.registry.stored_credential(each.cluster) if each.credential else None
        credential = with_default(stored, each.credential) if stored is not None and each.credential else None
        registrations.append(Registration(cluster=each.cluster, credential=credential))
    plan = stores.registry.plan(registrations)
    if not dry_run:
        stores.registry.carry_out(plan)
    imported = [Imported(each.source, each.cluster.name, each.cluster.active, each.notes) for each in taken]
    return Outcome(imported, plan.changes, skipped + refused, applied=not dry_run)


def _exit_code(outcome: Outcome) -> ExitCode:
    if not outcome.skipped:
        return ExitCode.FINE
    return ExitCode.GAPS if outcome.imported else ExitCode.COULD_NOT_RUN


def _show(outcome: Outcome, kubeconfig: Path | None) -> None:
    from interfaces.cli.cluster.plan import print_changes
    from interfaces.cli.tables import printable

    print_changes(out(), outcome.changes)
    for each in outcome.imported:
        for note in each.notes:
            out().print(f"{printable(each.name)}: {printable(note)}", soft_wrap=True)
    for refused in outcome.skipped:
        err().print(f"[yellow]not taken:[/] {printable(refused.source)}: {printable(refused.reason)}", soft_wrap=True)
        if refused.commands:
            err().print("[bold]what to do:[/] make a service account and take its token:")
        for command in refused.commands:
            err().print(f"  {printable(command)}", soft_wrap=True)
        if refused.commands and kubeconfig is not None:
            source = shlex.quote(refused.source.removeprefix("context "))
            again = f"--kubeconfig {shlex.quote(str(kubeconfig))} --context {source} --token-file token"
            err().print(f"  {printable('fleetscope cluster import ' + again)}", soft_wrap=True)
            err().print("`fleetscope cluster validate` prints the rights that are missing then, as a ClusterRole.")
    inactive = [each.name for each in outcome.imported if not each.active]
    if inactive:
        err().print(
            f"[yellow]inactive:[/] {printable(', '.join(inactive))}. Without a credential nothing can be read of them: "
            f"`fleetscope cluster update {inactive[0]} --token-file FILE`, then `fleetscope cluster activate`.",
            soft_wrap=True,
        )
    if not outcome.applied:
        out().print("Nothing was changed.")
