from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from fleet.collectors.kubernetes import KubernetesLimits, collect_inventory
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.inventory import Inventory
from tests.fleet.collectors.kubernetes.objects import EMPTY_LISTS, VERSION, groups
from tests.fleet.collectors.kubernetes.server import Api, serve

QUICK = KubernetesLimits(connect_seconds=2, read_seconds=2, total_seconds=20, page_size=2, pause_seconds=2)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """An API server of an empty cluster."""
    folder = tmp_path / "api"
    folder.mkdir()
    lists = deepcopy(EMPTY_LISTS)
    with serve(Api(lists=lists, documents={"/version": VERSION, "/apis": groups("apps")}), folder) as running:
        yield running


def cluster_at(url: str, ca_pem: str | None = None, **more: Any) -> Cluster:
    return Cluster(
        name="east", endpoints={EndpointKind.KUBERNETES: Endpoint(url=url, ca_pem=ca_pem, verify_tls=True, **more)}
    )


@pytest.fixture
def collect(api: Api) -> Callable[..., Inventory]:
    """Collects from ``api`` with small pages and short limits."""

    def run(credentials: Any = None, limits: KubernetesLimits = QUICK) -> Inventory:
        return collect_inventory(cluster_at(api.url, api.ca_pem), credentials, limits)[0]

    return run
