"""``fleetscope cluster update``: change what is registered of one cluster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.cluster import options
from interfaces.cli.terminal import out, parse_labels, print_json

if TYPE_CHECKING:
    from fleet.credentials import ClusterCredential
    from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind


def update(
    name: options.NameArgument,
    environment: Annotated[str | None, typer.Option(help='For example prod or lab; "" for none.')] = None,
    region: Annotated[str | None, typer.Option(help='Where the cluster runs; "" for unknown.')] = None,
    label: options.LabelOption = None,
    remove_label: Annotated[list[str] | None, typer.Option(help="Key of a label; may be repeated.")] = None,
    kubernetes: options.KubernetesOption = "",
    prometheus: options.PrometheusOption = "",
    alertmanager: options.AlertmanagerOption = "",
    loki: options.LokiOption = "",
    tempo: options.TempoOption = "",
    korrel8r: options.Korrel8rOption = "",
    remove_endpoint: Annotated[list[str] | None, typer.Option(help="Kind of an endpoint; may be repeated.")] = None,
    ca_file: options.CaFileOption = None,
    verify: Annotated[
        bool | None,
        typer.Option("--verify/--insecure", help="Whether TLS is verified; shown wherever the endpoint is shown."),
    ] = None,
    token_file: options.TokenFileOption = None,
    username: options.UsernameOption = "",
    password_file: options.PasswordFileOption = None,
    client_cert: options.ClientCertOption = None,
    client_key: options.ClientKeyOption = None,
    json: options.JsonOption = False,
) -> None:
    """Change what is registered of a cluster; what is not named stays as it is.

    --ca-file, --verify and --insecure are for the endpoints named here, or for all when none is named. A credential
    given here is stored untried, for a cluster that has none yet; `fleetscope cluster rotate` tries a new one first.
    """
    from fleet.inventory.registration import PlannedChange, Step
    from interfaces.cli.cluster.plan import print_changes
    from interfaces.cli.registration import CredentialFiles
    from interfaces.cli.workspace import open_workspace

    urls = options.endpoint_urls(
        kubernetes=kubernetes,
        prometheus=prometheus,
        alertmanager=alertmanager,
        loki=loki,
        tempo=tempo,
        korrel8r=korrel8r,
    )
    endpoints = EndpointChanges(urls, _kinds(remove_endpoint or []), ca_file, verify)
    labels, gone = parse_labels(label or []), set(remove_label or [])
    files = options.credential_files(token_file, username, password_file, client_cert, client_key)
    credential = CredentialFiles.model_validate(files).read(Path())

    def change(known: Cluster) -> Cluster:
        fields = {
            "environment": known.environment if environment is None else environment,
            "region": known.region if region is None else region,
            "labels": {key: value for key, value in known.labels.items() if key not in gone} | labels,
            "endpoints": endpoints.applied(known.endpoints),
        }
        return known.model_copy(update=fields)

    def recredit(stored: ClusterCredential) -> ClusterCredential:
        return stored.model_copy(update={"default": credential})

    with open_workspace() as stores:
        changed, differences = stores.registry.update(name, change, recredit if credential else None)
    if json:
        print_json({"cluster": changed, "differences": differences})
    else:
        step = Step.CHANGED if differences else Step.UNCHANGED
        print_changes(out(), [PlannedChange(name=name, step=step, differences=differences)])


@dataclass(frozen=True)
class EndpointChanges:
    """What the options say of endpoints."""

    urls: dict[str, str]
    removed: set[EndpointKind]
    ca_file: Path | None
    verify: bool | None

    def applied(self, known: dict[EndpointKind, Endpoint]) -> dict[EndpointKind, Endpoint]:
        """The endpoints as they shall be.

        Raises:
            UsageError: an address is none, a file cannot be read, or no endpoint would be left.
        """
        from fleet.errors import UsageError
        from fleet.inventory.cluster import EndpointKind
        from interfaces.cli.registration import checked_endpoint

        fields = {kind: endpoint.model_dump() for kind, endpoint in known.items() if kind not in self.removed}
        for name, url in self.urls.items():
            kind = EndpointKind(name)
            fields[kind] = {**fields.get(kind, {}), "url": url}
        for kind in {EndpointKind(name) for name in self.urls} or set(fields):
            if self.verify is not None:
                fields[kind]["verify_tls"] = self.verify
            if self.ca_file is not None:
                fields[kind] |= {"ca_pem": None, "ca_file": self.ca_file}
        if not fields:
            raise UsageError("A cluster has at least one endpoint.", hint="`fleetscope cluster remove` removes it.")
        return {kind: checked_endpoint(kind, each, Path()) for kind, each in fields.items()}


def _kinds(names: list[str]) -> set[EndpointKind]:
    from fleet.inventory.cluster import EndpointKind

    known = {kind.value: kind for kind in EndpointKind}
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"{name!r} is no endpoint: {', '.join(known)}")
    return {known[name] for name in names}
