"""``fleetscope cluster``: the registry of clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from interfaces.cli.terminal import out, parse_labels, print_json

app = typer.Typer(help="Register, list, show and remove clusters.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command(
    epilog="Example: fleetscope cluster add edge-1 --prometheus https://prom.edge-1.example --token-file ./token "
    "--environment prod --label tier=edge"
)
def add(
    name: Annotated[str, typer.Argument(help="A DNS label, for example edge-1. Omit with --file.")] = "",
    file: Annotated[Path | None, typer.Option(help="Register every cluster of a YAML file instead.")] = None,
    prometheus: Annotated[str, typer.Option(help="URL of Prometheus or Thanos.")] = "",
    kubernetes: Annotated[str, typer.Option(help="URL of the Kubernetes API.")] = "",
    environment: Annotated[str, typer.Option(help="For example prod or lab.")] = "",
    region: Annotated[str, typer.Option(help="Where the cluster runs.")] = "",
    label: Annotated[list[str] | None, typer.Option(help="key=value; may be repeated.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File with the bearer token.")] = None,
    username: Annotated[str, typer.Option(help="User of basic authentication.")] = "",
    password_file: Annotated[Path | None, typer.Option(help="File with the password.")] = None,
    client_cert: Annotated[Path | None, typer.Option(help="PEM file of the client certificate.")] = None,
    client_key: Annotated[Path | None, typer.Option(help="PEM file of its key.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="PEM file of the authority that signed the servers.")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Do not verify TLS; shown wherever it is shown.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Register a cluster, or every cluster of a file; applying the same registration again changes nothing."""
    from interfaces.cli.registration import Registration, read_registrations
    from interfaces.cli.workspace import open_workspace

    if file is not None:
        registrations = read_registrations(file)
    else:
        registrations = [
            Registration.from_options(
                name,
                {"prometheus": prometheus, "kubernetes": kubernetes},
                environment=environment,
                region=region,
                labels=parse_labels(label or []),
                ca_file=ca_file,
                verify_tls=not insecure,
                credential={
                    "token_file": token_file,
                    "username": username or None,
                    "password_file": password_file,
                    "client_cert_file": client_cert,
                    "client_key_file": client_key,
                },
            )
        ]
    with open_workspace() as stores:
        clusters = [registration.store(stores) for registration in registrations]
    if json:
        print_json(clusters)
    else:
        out().print(f"registered: {', '.join(cluster.name for cluster in clusters)}")


@app.command("list", epilog="Example: fleetscope cluster list --selector environment=prod --json")
def list_clusters(
    selector: Annotated[list[str] | None, typer.Option(help="key=value a cluster must have; may be repeated.")] = None,
    json: JsonOption = False,
) -> None:
    """List the registered clusters."""
    from interfaces.cli.tables import cluster_table
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        clusters = stores.clusters.list(parse_labels(selector or []), active=None)
    if json:
        print_json(clusters)
    else:
        out().print(cluster_table(clusters))


@app.command(epilog="Example: fleetscope cluster show edge-1")
def show(name: Annotated[str, typer.Argument(help="The cluster's name.")], json: JsonOption = False) -> None:
    """Show a cluster, what discovery saw of it last, and its open incidents."""
    from fleet.findings.finding import UNRESOLVED
    from interfaces.cli.tables import print_cluster
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        cluster = stores.clusters.by_name(name)
        inventory = stores.inventories.latest(cluster.id)
        incidents = stores.incidents.list(cluster_ids=[cluster.id], states=UNRESOLVED)
    if json:
        print_json({"cluster": cluster, "inventory": inventory, "incidents": incidents})
    else:
        print_cluster(out(), cluster, inventory, incidents)


@app.command(epilog="Example: fleetscope cluster remove edge-1")
def remove(name: Annotated[str, typer.Argument(help="The cluster's name.")]) -> None:
    """Remove a cluster from the registry and its secret from the credential store; its results stay."""
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        cluster = stores.clusters.by_name(name)
        stores.clusters.delete(cluster.id)
        if cluster.credential_ref:
            stores.credentials.delete(cluster.credential_ref)
    out().print(f"removed: {name}")
