"""``fleetscope cluster add``: register one cluster, or every cluster of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from interfaces.cli.cluster.options import JsonOption
from interfaces.cli.terminal import out, parse_labels, print_json


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
