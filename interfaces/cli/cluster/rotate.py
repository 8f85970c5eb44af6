"""``fleetscope cluster rotate``: give a cluster a new credential without a moment in which none works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.cluster.options import (
    ClientCertOption,
    ClientKeyOption,
    JsonOption,
    NameArgument,
    PasswordFileOption,
    TokenFileOption,
    UsernameOption,
    credential_files,
)
from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import err, out, print_json

if TYPE_CHECKING:
    from fleet.inventory.cluster import EndpointKind
    from storage.credentials.rotation import Rotation


def rotate(
    name: NameArgument,
    endpoint: Annotated[
        str, typer.Option(help="Only for this endpoint, for example loki; by default for all without one of their own.")
    ] = "",
    token_file: TokenFileOption = None,
    username: UsernameOption = "",
    password_file: PasswordFileOption = None,
    client_cert: ClientCertOption = None,
    client_key: ClientKeyOption = None,
    json: JsonOption = False,
) -> None:
    """Try a new credential at every endpoint of a cluster, and make it current if none breaks by it.

    The old one serves until then; what runs meanwhile goes on and takes up the new one within a minute. Revoke the
    old one after that. A credential that is refused changes nothing, and the command exits with 3.
    """
    from fleet.errors import UsageError
    from interfaces.cli.registration import CredentialFiles
    from interfaces.cli.workspace import open_workspace
    from storage.credentials.rotation import rotate_credential

    kind = _kind(endpoint)
    files = credential_files(token_file, username, password_file, client_cert, client_key)
    credential = CredentialFiles.model_validate(files).read(Path.cwd())
    if credential is None:
        raise UsageError("No new credential is given.", hint="See fleetscope cluster rotate --help.")
    with open_workspace() as stores:
        rotation = rotate_credential(stores.credentials, stores.clusters.by_name(name), credential, kind)
    if json:
        version = rotation.stored.number if rotation.stored else None
        print_json({"version": version, "before": rotation.before, "after": rotation.after})
    else:
        _print(rotation)
    if rotation.stored is None:
        broken = ", ".join(rotation.would_break) or "no endpoint takes it"
        err().print(f"[bold red]refused:[/] the new credential would break: {broken}. The old one is still current.")
        raise typer.Exit(ExitCode.COULD_NOT_RUN)


def _kind(endpoint: str) -> EndpointKind | None:
    from fleet.inventory.cluster import EndpointKind

    try:
        return EndpointKind(endpoint) if endpoint else None
    except ValueError:
        raise typer.BadParameter(f"{endpoint!r} is none of {', '.join(EndpointKind)}") from None


def _print(rotation: Rotation) -> None:
    from interfaces.cli.validation_view import endpoints_table

    out().print("with the new credential:")
    out().print(endpoints_table(rotation.after))
    for right in rotation.lost_rights:
        out().print(f"[yellow]a right less:[/] {right}", markup=True)
    if rotation.stored is not None:
        out().print(f"rotated: version {rotation.stored.number} is current")
