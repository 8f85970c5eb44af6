import pytest

from fleet.inventory.ownership import (
    cron_job_of_job,
    deployment_of_replica_set,
    owner_of_claim,
    workload_of_pod_name,
)


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        ("checkout-6d4b75cb6d-hwmfn", "checkout"),
        ("checkout-api-7f89b7c5d4-2xkqz", "checkout-api"),
        ("checkout-6d4b75cb6d-abcde", "checkout"),
        ("prometheus-k8s-0", "prometheus-k8s"),
        ("cart-11", "cart"),
        ("node-exporter-x7k2p", "node-exporter"),
        ("node-exporter-bcdfg", "node-exporter"),
        ("backup-28473920-7xkqz", "backup"),
        ("dns-default-zzkkp", "dns-default"),
        # Words are no hashes.
        ("kube-proxy", None),
        ("node-exporter-agent", None),
        ("standalone", None),
        ("", None),
    ],
)
def test_the_form_of_a_pods_name_tells_its_workload(pod: str, workload: str | None) -> None:
    assert workload_of_pod_name(pod) == workload


def test_a_known_workload_wins_over_the_form() -> None:
    # A Deployment may itself be called like a StatefulSet's pod or end in something like a hash.
    assert workload_of_pod_name("shard-1-6d4b75cb6d-hwmfn", {"shard-1"}) == "shard-1"
    assert workload_of_pod_name("api-7f89b7c5d4-2xkqz", {"api-7f89b7c5d4"}) == "api-7f89b7c5d4"
    assert workload_of_pod_name("cart-7d9f8-x2x1q", {"cart"}) == "cart"
    assert workload_of_pod_name("node-exporter-agent", {"node-exporter"}) == "node-exporter"
    assert workload_of_pod_name("node-exporter-agent", {"node"}) is None


def test_replica_sets_and_jobs_lead_to_their_makers() -> None:
    assert deployment_of_replica_set("checkout-6d4b75cb6d") == "checkout"
    assert deployment_of_replica_set("checkout-v2", "v2") == "checkout"
    assert deployment_of_replica_set("by-hand") is None
    assert cron_job_of_job("backup-28473920") == "backup"
    assert cron_job_of_job("migrate") is None


def test_a_claim_that_a_pod_made_for_itself() -> None:
    assert owner_of_claim("cart-6d4b75cb6d-hwmfn-scratch-space") == ("cart", "scratch-space")
    for other in ("data-postgres-0", "data-mysql80x1-mysql-0", "prometheus-k8s-db-prometheus-k8s-0", "registry"):
        assert owner_of_claim(other) is None


def test_an_index_of_a_known_job() -> None:
    assert workload_of_pod_name("train-0-x2x1q", {"train"}) == "train"
    assert workload_of_pod_name("train-0-x2x1q") == "train-0"
