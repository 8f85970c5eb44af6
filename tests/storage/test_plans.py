"""What registrations change, planned and carried out on a real database and a real credential store."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from fleet.credentials import ClusterCredential, Credential
from fleet.errors import CredentialMissing, NotFound, StoreError
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.registration import FieldDifference, Registration, Step
from storage.clusters import ClusterStore
from storage.credentials.store import CredentialStore
from storage.credentials.vault import VaultCredentialStore
from storage.credentials.vault_login import TokenFile
from storage.credentials.vault_server import VaultServer
from storage.database import Database
from storage.registry import Plan, Registry

TOKEN = ClusterCredential(default=Credential(token=SecretStr("canary-one")))
OTHER = ClusterCredential(
    default=Credential(token=SecretStr("canary-one")),
    endpoints={"loki": Credential(username="me", password=SecretStr("canary-two"))},
)


@pytest.fixture
def clusters(database: Database) -> ClusterStore:
    return ClusterStore(database)


@pytest.fixture
def registry(clusters: ClusterStore, credentials: CredentialStore) -> Registry:
    return Registry(clusters, credentials)


def registration(name: str, credential: ClusterCredential | None = None, **fields: object) -> Registration:
    endpoints = {EndpointKind.PROMETHEUS: Endpoint(url="https://prom.example")}
    cluster = Cluster.model_validate({"name": name, "endpoints": endpoints, **fields})
    return Registration(cluster=cluster, credential=credential)


def steps(plan: Plan) -> dict[str, str]:
    return {change.name: change.step.value for change in plan.changes}


def test_a_plan_changes_nothing_and_carried_out_leaves_nothing_to_do(
    registry: Registry, clusters: ClusterStore, credentials: CredentialStore
) -> None:
    wanted = [registration("plan-a", TOKEN, labels={"tier": "1"}), registration("plan-b")]
    plan = registry.plan(wanted)
    assert steps(plan) == {"plan-a": "added", "plan-b": "added"}
    assert clusters.list() == []
    registered = registry.carry_out(plan)
    assert [each.name for each in registered] == ["plan-a", "plan-b"]
    assert [each.credential_ref for each in registered] == ["clusters/plan-a", None]
    assert credentials.get("clusters/plan-a", refresh=True) == TOKEN
    again = registry.plan(wanted, prune=True)
    assert steps(again) == {"plan-a": "unchanged", "plan-b": "unchanged"}
    assert again.is_empty
    version = credentials.version("clusters/plan-a")
    assert registry.carry_out(again) == registered
    assert credentials.version("clusters/plan-a") == version


def test_differences_are_told_field_by_field_and_secrets_not_at_all(registry: Registry) -> None:
    before = registration(
        "plan-c", TOKEN, environment="test", labels={"tier": "1", "old": "x"}, endpoints=_endpoints("A", "loki")
    )
    registry.register(before)
    after = registration(
        "plan-c", OTHER, environment="prod", labels={"tier": "2"}, endpoints=_endpoints("B", "tempo"), active=False
    )
    [change] = registry.plan([after]).changes
    assert change.step is Step.CHANGED
    fields = {each.field: (each.before, each.after) for each in change.differences}
    old_ca, new_ca = fields.pop("endpoints.prometheus.ca")
    assert old_ca != new_ca
    assert fields == {
        "active": ("yes", "no"),
        "environment": ("test", "prod"),
        "labels.tier": ("1", "2"),
        "labels.old": ("x", None),
        "endpoints.loki.url": ("https://loki.example", None),
        "endpoints.loki.verify_tls": ("yes", None),
        "endpoints.tempo.url": (None, "https://tempo.example"),
        "endpoints.tempo.verify_tls": (None, "yes"),
        "endpoints.loki.credential": (None, "given"),
    }
    assert "canary" not in change.model_dump_json()
    replaced = registration("plan-c", ClusterCredential(default=Credential(token=SecretStr("canary-three"))))
    [change] = registry.plan([replaced]).changes
    assert FieldDifference(field="credential", before="stored", after="given") in change.differences
    assert "canary" not in change.model_dump_json()


def _endpoints(ca: str, further: str) -> dict[str, Endpoint]:
    return {
        "prometheus": Endpoint(url="https://prom.example", ca_pem=ca),
        further: Endpoint(url=f"https://{further}.example"),
    }


def test_a_registration_without_credential_keeps_what_is_stored_and_an_empty_one_forgets_it(
    registry: Registry, clusters: ClusterStore, credentials: CredentialStore
) -> None:
    registry.register(registration("plan-d", TOKEN))
    silent = registration("plan-d", environment="prod")
    registry.carry_out(registry.plan([silent]))
    assert clusters.by_name("plan-d").credential_ref == "clusters/plan-d"
    assert credentials.get("clusters/plan-d", refresh=True) == TOKEN
    none = registration("plan-d", ClusterCredential(), environment="prod")
    [change] = registry.plan([none]).changes
    assert [(each.field, each.after) for each in change.differences] == [("credential", None)]
    registry.register(none)
    assert clusters.by_name("plan-d").credential_ref is None
    with pytest.raises(CredentialMissing):
        credentials.get("clusters/plan-d", refresh=True)
    assert registry.plan([none]).is_empty


def test_what_a_plan_does_not_change_is_not_written(registry: Registry, credentials: CredentialStore) -> None:
    registry.register(registration("plan-l", TOKEN))
    plan = registry.plan([registration("plan-l", TOKEN, environment="prod")])
    # Somebody rotates while somebody else reads the plan.
    rotated = credentials.put("clusters/plan-l", OTHER)
    [registered] = registry.carry_out(plan)
    assert (registered.environment, registered.credential_ref) == ("prod", "clusters/plan-l")
    assert credentials.version("clusters/plan-l") == rotated
    assert credentials.get("clusters/plan-l", refresh=True) == OTHER


def test_a_secret_that_is_gone_is_put_back(registry: Registry, credentials: CredentialStore) -> None:
    registry.register(registration("plan-e", TOKEN))
    credentials.delete("clusters/plan-e")
    plan = registry.plan([registration("plan-e", TOKEN)])
    assert steps(plan) == {"plan-e": "changed"}
    registry.carry_out(plan)
    assert credentials.get("clusters/plan-e", refresh=True) == TOKEN


def test_pruning_removes_what_is_not_named_with_its_secret(
    registry: Registry, clusters: ClusterStore, credentials: CredentialStore
) -> None:
    kept, gone = registration("plan-f"), registration("plan-g", TOKEN)
    inactive = registration("plan-h", active=False)
    ad_hoc = registration("plan-i", origin="ad-hoc")
    for each in (kept, gone, inactive, ad_hoc):
        registry.register(each)
    assert steps(registry.plan([kept])) == {"plan-f": "unchanged"}
    plan = registry.plan([kept], prune=True)
    assert steps(plan) == {"plan-f": "unchanged", "plan-g": "removed", "plan-h": "removed"}
    registry.carry_out(plan)
    assert [each.name for each in clusters.list(active=None, origin=None)] == ["plan-f", "plan-i"]
    with pytest.raises(CredentialMissing):
        credentials.get("clusters/plan-g", refresh=True)
    with pytest.raises(NotFound):
        registry.remove("plan-g")


def test_a_secret_that_cannot_be_forgotten_is_not_lost_sight_of(
    registry: Registry, clusters: ClusterStore, credentials: CredentialStore
) -> None:
    registry.register(registration("plan-j", TOKEN))
    nobody = VaultCredentialStore(VaultServer("http://127.0.0.1:9"), TokenFile(token_file=Path("/nowhere")))
    cut_off = Registry(clusters, nobody)
    with pytest.raises(StoreError):
        cut_off.remove("plan-j")
    with pytest.raises(StoreError):
        cut_off.register(registration("plan-j", ClusterCredential()))
    assert clusters.by_name("plan-j").credential_ref == "clusters/plan-j"
    assert credentials.get("clusters/plan-j", refresh=True) == TOKEN
    registry.remove("plan-j")
    assert credentials.version("clusters/plan-j") is None


def test_a_row_that_names_a_secret_that_is_gone_is_put_right(
    registry: Registry, clusters: ClusterStore, credentials: CredentialStore
) -> None:
    registry.register(registration("plan-k", TOKEN))
    credentials.delete("clusters/plan-k")
    plan = registry.plan([registration("plan-k", ClusterCredential())])
    assert steps(plan) == {"plan-k": "changed"}
    registry.carry_out(plan)
    assert clusters.by_name("plan-k").credential_ref is None
    assert registry.plan([registration("plan-k", ClusterCredential())]).is_empty
