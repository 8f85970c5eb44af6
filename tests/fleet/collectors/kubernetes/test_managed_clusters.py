"""ManagedClusters of a hub, of every form, and clusters that are none."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from fleet.collectors.kubernetes.managed_clusters import collect_managed_clusters
from fleet.errors import Forbidden, Unreachable, UsageError
from fleet.inventory.cluster import Cluster
from tests.fleet.collectors.kubernetes.conftest import QUICK, cluster_at
from tests.fleet.collectors.kubernetes.objects import groups, metadata
from tests.fleet.collectors.kubernetes.server import Api, forbidden, on

GROUP = "cluster.open-cluster-management.io"
LIST = f"/apis/{GROUP}/v1/managedclusters"
CA = "-----BEGIN CERTIFICATE-----\nhub\n-----END CERTIFICATE-----\n"


@pytest.fixture
def hub(api: Api) -> Api:
    api.documents["/apis"] = groups("apps", GROUP)
    api.lists[LIST] = []
    return api


def managed(name: str, *configs: dict[str, str], accepted: bool = True, available: str = "True", **more: Any) -> Any:
    conditions = [
        {"type": "HubAcceptedManagedCluster", "status": "True" if accepted else "False"},
        {"type": "ManagedClusterConditionAvailable", "status": available},
    ]
    return {
        "metadata": metadata(name, labels=more.get("labels")),
        "spec": {"hubAcceptsClient": accepted, "managedClusterClientConfigs": list(configs) or None},
        "status": {"conditions": conditions, **more.get("status", {})},
    }


def test_managed_clusters_of_every_form(hub: Api) -> None:
    ca = b64encode(CA.encode()).decode()
    claims = {
        "version.openshift.io": "4.16.11",
        "platform.open-cluster-management.io": "AWS",
        "region.open-cluster-management.io": "eu-west-1",
        "kubeversion.open-cluster-management.io": "v1.29.8",
    }
    labels = {
        "environment": "prod",
        "vendor": "OpenShift",
        "name": "edge",
        "namesake": "rim",
        "clusterID": "1234",
        "openshiftVersion-major": "4",
        "feature.open-cluster-management.io/addon-search": "available",
    }
    hub.lists[LIST] = [
        managed(
            "edge",
            {"url": "https://api.edge.example:6443", "caBundle": ca},
            labels=labels,
            status={"clusterClaims": [{"name": key, "value": value} for key, value in claims.items()]},
        ),
        managed("local-cluster", {"url": "https://api.hub.example:6443"}, labels={"local-cluster": "true"}),
        managed(
            "kubernetes",
            {"url": "https://k.example"},
            available="Unknown",
            status={"version": {"kubernetes": "v1.31.0"}},
        ),
        managed("pending", accepted=False),
        managed("second", {"url": "no address"}, {"url": "https://second.example", "caBundle": ca}),
        managed("strange", {"url": "https://me:secret@strange.example", "caBundle": "%%%"}),
        managed("escape", {"url": "https://e.example"}, labels={"note": "a\x1b[31mred\nline"}, available="False"),
        {"metadata": metadata("bare")},
    ]
    # Two a page: the list is followed to its end.
    found = {each.name: each for each in collect_managed_clusters(cluster_at(hub.url, hub.ca_pem), None, QUICK)}
    assert list(found) == sorted(found)
    edge = found["edge"]
    assert edge.endpoint is not None
    assert (edge.endpoint.url, edge.endpoint.ca_pem) == ("https://api.edge.example:6443", CA)
    assert edge.labels == {"environment": "prod", "vendor": "OpenShift", "namesake": "rim", "platform": "AWS"}
    assert (edge.version, edge.region, edge.is_hub, edge.available) == ("4.16.11", "eu-west-1", False, True)
    assert found["local-cluster"].is_hub and found["local-cluster"].labels == {}
    assert (found["kubernetes"].version, found["kubernetes"].available) == ("v1.31.0", None)
    assert not found["pending"].accepted and not found["bare"].accepted
    assert found["pending"].problem == "the hub knows no address of its API"
    assert found["second"].endpoint is not None and found["second"].endpoint.url == "https://second.example"
    assert found["strange"].endpoint is None and "cannot be used" in found["strange"].problem
    assert found["escape"].labels == {"note": "a [31mred line"} and found["escape"].available is False


def test_what_is_no_hub_or_may_not_be_seen(hub: Api) -> None:
    cluster = cluster_at(hub.url, hub.ca_pem)
    assert collect_managed_clusters(cluster, None, QUICK) == []
    hub.interceptors.append(on(LIST, forbidden("managedclusters")))
    with pytest.raises(Forbidden):
        collect_managed_clusters(cluster, None, QUICK)
    hub.documents["/apis"] = groups("apps")
    with pytest.raises(UsageError, match=r"east is no hub of Advanced Cluster Management: .*does not serve"):
        collect_managed_clusters(cluster, None, QUICK)
    with pytest.raises(Unreachable, match="No Kubernetes API is registered"):
        collect_managed_clusters(Cluster(name="east"), None, QUICK)
