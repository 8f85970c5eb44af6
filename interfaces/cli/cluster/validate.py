"""``fleetscope cluster validate``: ask a cluster's endpoints what the collectors will ask them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.cluster.options import JsonOption, NameArgument
from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import out, print_json

if TYPE_CHECKING:
    from fleet.inventory.validation import ClusterValidation


def validate(
    name: NameArgument,
    rights: Annotated[
        bool, typer.Option("--rights", help="Show every right, not only the missing ones, and the whole ClusterRole.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Ask each endpoint of a cluster what its collector asks, and the Kubernetes API for each right that is needed.

    Exits with 4 when an endpoint does not answer as it should or a right is not granted, with 3 when no endpoint
    answers as it should.
    """
    from fleet.collectors.kubernetes.rights import ROLE_NAME, cluster_role
    from fleet.collectors.validation import validate_cluster
    from interfaces.cli.validation_view import MISSING_ROLE_NAME, print_validation
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        cluster = stores.clusters.by_name(name)
        ref = cluster.credential_ref
        validation = validate_cluster(cluster, lambda kind: stores.credentials.source(ref, kind) if ref else None)
    if json:
        wanted = [review.right for review in validation.rights] if rights else validation.missing_rights
        role = cluster_role(wanted, ROLE_NAME if rights else MISSING_ROLE_NAME) if wanted else None
        print_json({"validation": validation, "sound": validation.sound, "cluster_role": role})
    else:
        print_validation(out(), validation, all_rights=rights)
    raise typer.Exit(exit_code(validation))


def exit_code(validation: ClusterValidation) -> ExitCode:
    """FINE where all is sound, COULD_NOT_RUN where nothing could be read, GAPS for anything between."""
    from fleet.inventory.validation import EndpointStatus

    if validation.sound:
        return ExitCode.FINE
    answered = any(endpoint.status is EndpointStatus.OK for endpoint in validation.endpoints)
    return ExitCode.GAPS if answered else ExitCode.COULD_NOT_RUN
