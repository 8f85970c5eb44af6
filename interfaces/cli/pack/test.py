"""``fleetscope pack test``: ask each query of a pack now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from interfaces.cli import ad_hoc
from interfaces.cli.pack.options import PackOption, chosen_pack
from interfaces.cli.terminal import out, print_json


def test(
    pack: PackOption = None,
    cluster: Annotated[list[str] | None, typer.Option(help="A registered cluster; may be repeated.")] = None,
    prometheus: Annotated[str, typer.Option(help="Ask this Prometheus; needs no registration.")] = "",
    token_file: ad_hoc.TokenFileOption = None,
    username: ad_hoc.UsernameOption = "",
    password_file: ad_hoc.PasswordFileOption = None,
    ca_file: ad_hoc.CaFileOption = None,
    client_cert: ad_hoc.ClientCertOption = None,
    client_key: ad_hoc.ClientKeyOption = None,
    insecure: ad_hoc.InsecureOption = False,
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
    if bool(cluster) == bool(prometheus):
        raise typer.BadParameter("name either clusters (--cluster, which may be repeated) or a server (--prometheus)")
    only = ad_hoc.ad_hoc_registration(
        prometheus, token_file, username, password_file, ca_file, client_cert, client_key, insecure
    )
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
