"""``fleetscope pack test``: ask each query of a pack now."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interfaces.cli.cluster.options import credential_files
from interfaces.cli.pack.options import PackOption, chosen_pack
from interfaces.cli.terminal import out, print_json

if TYPE_CHECKING:
    from fleet.inventory.registration import Registration


def test(
    pack: PackOption = None,
    cluster: Annotated[list[str] | None, typer.Option(help="A registered cluster; may be repeated.")] = None,
    prometheus: Annotated[str, typer.Option(help="Ask this Prometheus; needs no registration.")] = "",
    token_file: Annotated[Path | None, typer.Option(help="With --prometheus: file with the bearer token.")] = None,
    username: Annotated[str, typer.Option(help="With --prometheus: user of basic authentication.")] = "",
    password_file: Annotated[Path | None, typer.Option(help="With --prometheus: file with the password.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="With --prometheus: PEM of the server's authority.")] = None,
    client_cert: Annotated[Path | None, typer.Option(help="With --prometheus: PEM of the client certificate.")] = None,
    client_key: Annotated[Path | None, typer.Option(help="With --prometheus: PEM of its key.")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="With --prometheus: do not verify TLS.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Ask each query of a pack now, at one time and over the last quarter of an hour, and tell how it went.

    Exits with 4 when a query could not be answered (what a cluster does not have is no failure), with 3 when no cluster
    answered anything.
    """
    from interfaces.cli.pack.trial_view import print_trial
    from interfaces.cli.pack.trying import exit_code, given, registered, try_pack_on
    from interfaces.cli.workspace import open_workspace

    chosen = chosen_pack(pack)
    credential = credential_files(token_file, username, password_file, client_cert, client_key)
    only = _only(cluster or [], prometheus, ca_file, credential, insecure=insecure)
    at = datetime.now(UTC)
    with open_workspace() as stores:
        places = [given(stores, only)] if only else registered(stores, cluster or [])
        trials = try_pack_on(places, chosen, at)
    if json:
        print_json({"pack": chosen.name, "version": chosen.version, "at": at, "clusters": trials})
    else:
        for trial in trials:
            print_trial(out(), trial)
    raise typer.Exit(exit_code(trials))


def _only(
    clusters: list[str], prometheus: str, ca_file: Path | None, credential: dict[str, Any], *, insecure: bool
) -> Registration | None:
    from interfaces.cli.registration import ad_hoc

    if bool(clusters) == bool(prometheus):
        raise typer.BadParameter("name either clusters (--cluster, which may be repeated) or a server (--prometheus)")
    if prometheus:
        return ad_hoc(prometheus, ca_file=ca_file, verify_tls=not insecure, credential=credential)
    if ca_file or insecure or any(credential.values()):
        raise typer.BadParameter(
            "credentials and TLS options need --prometheus; a cluster has those it is registered with"
        )
    return None
