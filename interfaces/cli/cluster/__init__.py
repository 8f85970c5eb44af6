"""``fleetscope cluster``: the registry of clusters. A command a file; each imports what it needs when it runs."""

from __future__ import annotations

import typer

from interfaces.cli.cluster.activate import activate, deactivate
from interfaces.cli.cluster.add import add
from interfaces.cli.cluster.apply import apply
from interfaces.cli.cluster.endpoints import endpoints
from interfaces.cli.cluster.history import history
from interfaces.cli.cluster.importing import import_clusters
from interfaces.cli.cluster.list import list_clusters
from interfaces.cli.cluster.remove import remove
from interfaces.cli.cluster.rotate import rotate
from interfaces.cli.cluster.show import show
from interfaces.cli.cluster.update import update
from interfaces.cli.cluster.validate import validate

app = typer.Typer(help="The registry of clusters.", no_args_is_help=True)
app.command(
    epilog="Example: fleetscope cluster add edge-1 --prometheus https://prom.edge-1.example --token-file ./token "
    "--environment prod --label tier=edge"
)(add)
app.command("import", epilog="Example: fleetscope cluster import --kubeconfig ~/.kube/config --context edge-1")(
    import_clusters
)
app.command("list", epilog="Example: fleetscope cluster list --selector environment=prod --json")(list_clusters)
app.command(epilog="Example: fleetscope cluster show edge-1")(show)
app.command(epilog="Example: fleetscope cluster history edge-1 --last 7d")(history)
app.command(
    epilog="Example: fleetscope cluster update edge-1 --label tier=core --remove-label trial "
    "--loki https://loki.edge-1.example --ca-file loki-ca.pem"
)(update)
app.command(epilog="Example: fleetscope cluster endpoints edge-1 --store")(endpoints)
app.command(epilog="Example: fleetscope cluster activate edge-1 edge-2")(activate)
app.command(epilog="Example: fleetscope cluster deactivate edge-1 edge-2")(deactivate)
app.command(epilog="Example: fleetscope cluster apply --file fleet.yaml --dry-run")(apply)
app.command(epilog="Example: fleetscope cluster remove edge-1")(remove)
app.command(epilog="Example: fleetscope cluster validate edge-1 --rights")(validate)
app.command(epilog="Example: fleetscope cluster rotate edge-1 --token-file ./new-token")(rotate)
