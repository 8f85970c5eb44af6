"""Any Prometheus instead of a registered cluster: the options that tell how it is reached."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.cluster.options import credential_files

if TYPE_CHECKING:
    from fleet.inventory.registration import Registration

TokenFileOption = Annotated[Path | None, typer.Option(help="With --prometheus: file with the bearer token.")]
UsernameOption = Annotated[str, typer.Option(help="With --prometheus: user of basic authentication.")]
PasswordFileOption = Annotated[Path | None, typer.Option(help="With --prometheus: file with the password.")]
CaFileOption = Annotated[Path | None, typer.Option(help="With --prometheus: PEM of the server's authority.")]
ClientCertOption = Annotated[Path | None, typer.Option(help="With --prometheus: PEM of the client certificate.")]
ClientKeyOption = Annotated[Path | None, typer.Option(help="With --prometheus: PEM of its key.")]
InsecureOption = Annotated[bool, typer.Option("--insecure", help="With --prometheus: do not verify TLS.")]


def ad_hoc_registration(
    prometheus: str,
    token_file: Path | None,
    username: str,
    password_file: Path | None,
    ca_file: Path | None,
    client_cert: Path | None,
    client_key: Path | None,
    insecure: bool,
) -> Registration | None:
    """The registration of that server; None where no server is named.

    Raises:
        typer.BadParameter: the other options are given without a server.
        fleet.errors.UsageError: the address is none, or a file cannot be read.
    """
    from interfaces.cli.registration import ad_hoc

    credential = credential_files(token_file, username, password_file, client_cert, client_key)
    if prometheus:
        return ad_hoc(prometheus, ca_file=ca_file, verify_tls=not insecure, credential=credential)
    if ca_file or insecure or any(credential.values()):
        raise typer.BadParameter(
            "credentials and TLS options need --prometheus; a cluster has those it is registered with"
        )
    return None
