"""Options that several commands of the registry share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

NameArgument = Annotated[str, typer.Argument(help="The cluster's name.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

KubernetesOption = Annotated[str, typer.Option(help="URL of the Kubernetes API.")]
PrometheusOption = Annotated[str, typer.Option(help="URL of Prometheus or Thanos.")]
AlertmanagerOption = Annotated[str, typer.Option(help="URL of Alertmanager.")]
LokiOption = Annotated[str, typer.Option(help="URL of Loki, with the tenant's path where a gateway has one.")]
TempoOption = Annotated[str, typer.Option(help="URL of Tempo, with the tenant's path where a gateway has one.")]
Korrel8rOption = Annotated[str, typer.Option(help="URL of Korrel8r.")]

EnvironmentOption = Annotated[str, typer.Option(help="For example prod or lab.")]
RegionOption = Annotated[str, typer.Option(help="Where the cluster runs.")]
LabelOption = Annotated[list[str] | None, typer.Option(help="key=value; may be repeated.")]

TokenFileOption = Annotated[Path | None, typer.Option(help="File with the bearer token.")]
UsernameOption = Annotated[str, typer.Option(help="User of basic authentication.")]
PasswordFileOption = Annotated[Path | None, typer.Option(help="File with the password.")]
ClientCertOption = Annotated[Path | None, typer.Option(help="PEM file of the client certificate.")]
ClientKeyOption = Annotated[Path | None, typer.Option(help="PEM file of its key.")]
CaFileOption = Annotated[Path | None, typer.Option(help="PEM file of the authority that signed the servers.")]


def endpoint_urls(**urls: str) -> dict[str, str]:
    """The addresses that are given, by kind of endpoint."""
    return {kind: url for kind, url in urls.items() if url}


def credential_files(
    token_file: Path | None,
    username: str,
    password_file: Path | None,
    client_cert: Path | None,
    client_key: Path | None,
) -> dict[str, Any]:
    """The credential's options as a registration names them."""
    return {
        "token_file": token_file,
        "username": username or None,
        "password_file": password_file,
        "client_cert_file": client_cert,
        "client_key_file": client_key,
    }
