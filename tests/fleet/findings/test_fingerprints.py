"""The identity of a finding over scans: what is replaced by its like stays the same, what is another thing does not."""

import pytest

from fleet.findings.finding import FindingKind, fingerprint
from fleet.inventory.inventory import Inventory, Pod, Workload
from fleet.inventory.node import Node
from fleet.inventory.subject import Subject, SubjectKind
from fleet.inventory.topology import Topology
from tests.fleet.findings.scenes import CLUSTER, NOW

KNOWN = Topology.of(
    Inventory(
        cluster_id=CLUSTER,
        observed_at=NOW,
        nodes=[Node(name="worker-1", addresses=["10.0.0.7"])],
        workloads=[
            Workload(namespace="shop", kind=kind, name=name)
            for kind, name in (("Deployment", "cart"), ("StatefulSet", "postgres"), ("DaemonSet", "exporter"))
        ],
        pods=[
            Pod(namespace="shop", name="backup-29371800-x2x1q", workload_kind="CronJob", workload="backup"),
            Pod(namespace="shop", name="train-1-bbbbb", workload_kind="Job", workload="train"),
        ],
    )
)
NAMES_ONLY = Topology.of(None)


def mark(topology: Topology, kind: SubjectKind, name: str, part: str | None = None) -> str:
    namespace = None if kind in {SubjectKind.NODE, SubjectKind.DEVICE} else "shop"
    subject = topology.resolve(Subject(cluster_id=CLUSTER, kind=kind, name=name, namespace=namespace, part=part))
    return fingerprint(CLUSTER, "some_query", subject, FindingKind.ABOVE)


REPLACED = [
    pytest.param("cart-6f7d8b9c4d-x2x1q", "cart-8c9d7b5f4f-qqq22", id="rolled out by a Deployment"),
    pytest.param("cart-6f7d8b9c4d-x2x1q", "cart-6f7d8b9c4d-hwmfn", id="rescheduled by a ReplicaSet"),
    pytest.param("solo-x2x1q", "solo-h7mfn", id="rescheduled by a ReplicaSet of its own"),
    pytest.param("postgres-0", "postgres-0", id="rescheduled by a StatefulSet"),
    pytest.param("exporter-x2x1q", "exporter-h7mfn", id="rolled out by a DaemonSet"),
    pytest.param("migrate-x2x1q", "migrate-h7mfn", id="tried again by a Job"),
    pytest.param("backup-29371800-x2x1q", "backup-29371860-h7mfn", id="the next run of a CronJob"),
]


@pytest.mark.parametrize("topology", [KNOWN, NAMES_ONLY], ids=["with an inventory", "by names alone"])
@pytest.mark.parametrize("kind", [SubjectKind.POD, SubjectKind.CONTAINER])
@pytest.mark.parametrize(("before", "after"), REPLACED)
def test_a_pod_that_takes_another_s_place_goes_on(
    before: str, after: str, kind: SubjectKind, topology: Topology
) -> None:
    part = "app" if kind is SubjectKind.CONTAINER else None
    assert mark(topology, kind, before, part) == mark(topology, kind, after, part)
    assert mark(topology, kind, before, part) != mark(topology, kind, "other-6f7d8b9c4d-x2x1q", part)


def test_with_an_inventory_a_job_s_indexes_and_runs_are_one() -> None:
    assert mark(KNOWN, SubjectKind.POD, "train-0-x2x1q") == mark(KNOWN, SubjectKind.POD, "train-1-h7mfn")
    runs = {mark(KNOWN, SubjectKind.WORKLOAD, name) for name in ("backup-29371800", "backup-29371860", "backup")}
    assert len(runs) == 1
    sets = {mark(KNOWN, SubjectKind.WORKLOAD, name) for name in ("cart-6f7d8b9c4d", "cart-8c9d7b5f4f", "cart")}
    assert len(sets) == 1
    assert mark(NAMES_ONLY, SubjectKind.WORKLOAD, "shop-20260101") != mark(NAMES_ONLY, SubjectKind.WORKLOAD, "shop")


def test_a_stateful_set_s_claim_is_its_own_and_a_pod_s_claim_is_its_workload_s() -> None:
    for topology in (KNOWN, NAMES_ONLY):
        assert mark(topology, SubjectKind.VOLUME, "data-postgres-0") != mark(
            topology, SubjectKind.VOLUME, "data-postgres-1"
        )
        scratch = [f"cart-6f7d8b9c4d-{pod}-scratch" for pod in ("hwmfn", "x2x7q")]
        assert mark(topology, SubjectKind.VOLUME, scratch[0]) == mark(topology, SubjectKind.VOLUME, scratch[1])
        cache = "cart-6f7d8b9c4d-hwmfn-cache"
        assert mark(topology, SubjectKind.VOLUME, scratch[0]) != mark(topology, SubjectKind.VOLUME, cache)


def test_nodes_devices_and_routes_keep_their_names() -> None:
    assert mark(KNOWN, SubjectKind.NODE, "10.0.0.7:9100") == mark(KNOWN, SubjectKind.NODE, "worker-1")
    assert mark(KNOWN, SubjectKind.DEVICE, "10.0.0.7:9100", "vda") == mark(KNOWN, SubjectKind.DEVICE, "worker-1", "vda")
    assert mark(KNOWN, SubjectKind.DEVICE, "worker-1", "vda") != mark(KNOWN, SubjectKind.DEVICE, "worker-1", "vdb")
    assert mark(KNOWN, SubjectKind.ROUTE, "web-https") != mark(KNOWN, SubjectKind.ROUTE, "web")
