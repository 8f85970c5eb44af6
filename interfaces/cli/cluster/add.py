"""``fleetscope cluster add``: register one cluster, or every cluster of a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.cluster import options
from interfaces.cli.terminal import err, out, parse_labels, print_json

if TYPE_CHECKING:
    from fleet.inventory.cluster import Cluster


def add(
    name: Annotated[str, typer.Argument(help="A DNS label, for example edge-1. Omit with --file.")] = "",
    file: Annotated[Path | None, typer.Option(help="Register every cluster of a YAML file instead.")] = None,
    kubernetes: options.KubernetesOption = "",
    prometheus: options.PrometheusOption = "",
    alertmanager: options.AlertmanagerOption = "",
    loki: options.LokiOption = "",
    tempo: options.TempoOption = "",
    korrel8r: options.Korrel8rOption = "",
    environment: options.EnvironmentOption = "",
    region: options.RegionOption = "",
    label: options.LabelOption = None,
    token_file: options.TokenFileOption = None,
    username: options.UsernameOption = "",
    password_file: options.PasswordFileOption = None,
    client_cert: options.ClientCertOption = None,
    client_key: options.ClientKeyOption = None,
    ca_file: options.CaFileOption = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Do not verify TLS; shown wherever it is shown.")
    ] = False,
    json: options.JsonOption = False,
) -> None:
    """Register a cluster, or every cluster of a file; applying the same registration again changes nothing.

    A registration without credentials leaves those that are stored. Endpoints with credentials or authorities of
    their own are written in the file.
    """
    from interfaces.cli.registration import RegistrationEntry, read_registrations
    from interfaces.cli.workspace import open_workspace

    urls = options.endpoint_urls(
        kubernetes=kubernetes,
        prometheus=prometheus,
        alertmanager=alertmanager,
        loki=loki,
        tempo=tempo,
        korrel8r=korrel8r,
    )
    credential = options.credential_files(token_file, username, password_file, client_cert, client_key)
    if file is not None:
        if any([name, urls, environment, region, label, ca_file, insecure, *credential.values()]):
            raise typer.BadParameter("--file says everything of its clusters: no name and no other option goes with it")
        registrations = read_registrations(file)
    else:
        if not name or not urls:
            raise typer.BadParameter("give a name and at least one endpoint, such as --kubernetes URL, or a --file")
        entry = RegistrationEntry.from_options(
            name,
            {kind: {"url": url, "verify_tls": not insecure, "ca_file": ca_file} for kind, url in urls.items()},
            credential,
            environment=environment,
            region=region,
            labels=parse_labels(label or []),
        )
        registrations = [entry.registration(Path())]
    with open_workspace() as stores:
        clusters = stores.registry.carry_out(stores.registry.plan(registrations))
    if json:
        print_json(clusters)
    else:
        out().print(f"registered: {', '.join(cluster.name for cluster in clusters)}")
    say_what_can_be_found(clusters)


def say_what_can_be_found(clusters: Sequence[Cluster]) -> None:
    """Clusters of which only the Kubernetes API is known have more to show; says on standard error how it is found."""
    from fleet.inventory.cluster import EndpointKind

    bare = [cluster.name for cluster in clusters if set(cluster.endpoints) == {EndpointKind.KUBERNETES}]
    if bare:
        err().print(
            "Prometheus, Alertmanager, Loki, Tempo and Korrel8r can be found by themselves: "
            f"`fleetscope cluster endpoints {bare[0]}` shows them, `--store` registers them.",
            soft_wrap=True,
        )
