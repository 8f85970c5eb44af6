"""What shall be registered, and how that differs from what is registered."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256

from pydantic import BaseModel, ConfigDict

from fleet.credentials import ClusterCredential
from fleet.inventory.cluster import Cluster, ClusterOrigin


class Registration(BaseModel):
    """A cluster as it shall stand in the registry, with its secrets in hand.

    ``credential`` None leaves what is stored as it is; one that holds nothing means that the endpoints need none.
    """

    model_config = ConfigDict(frozen=True)

    cluster: Cluster
    credential: ClusterCredential | None = None


class Step(StrEnum):
    """What becomes of a cluster's registration."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"


class FieldDifference(BaseModel):
    """One field that differs; None where there is no such field. Secrets are never values here."""

    model_config = ConfigDict(frozen=True)

    field: str
    before: str | None
    after: str | None

    @property
    def is_of_credential(self) -> bool:
        """Whether it is about a credential: before and after say only whether there is one."""
        return self.field == "credential" or (
            self.field.startswith("endpoints.") and self.field.endswith(".credential")
        )


class PlannedChange(BaseModel):
    """What a registration changes."""

    model_config = ConfigDict(frozen=True)

    name: str
    step: Step
    differences: list[FieldDifference] = []


def differences_of(before: Cluster | None, after: Cluster | None) -> list[FieldDifference]:
    """The fields in which two forms of a cluster differ, by name; None is a cluster that is not registered.

    Where its secret lies is no field: whether the secret itself differs is seen by who can read it.
    """
    old, new = _fields(before), _fields(after)
    return [
        FieldDifference(field=field, before=old.get(field), after=new.get(field))
        for field in sorted(old.keys() | new.keys())
        if old.get(field) != new.get(field)
    ]


def brought_up_to_date(known: Cluster | None, found: Cluster) -> Cluster:
    """A registered cluster with what an import found: what the import knows nothing of stays.

    Labels and endpoints are taken over one by one; whether it is active stays as it is, and so do endpoints' budgets.
    """
    if known is None:
        return found
    endpoints = dict(known.endpoints)
    for kind, endpoint in found.endpoints.items():
        own = known.endpoints[kind].budget if kind in known.endpoints else None
        endpoints[kind] = endpoint.model_copy(update={"budget": endpoint.budget or own})
    return known.model_copy(
        update={
            "environment": found.environment or known.environment,
            "region": found.region or known.region,
            "labels": {**known.labels, **found.labels},
            "endpoints": endpoints,
        }
    )


def _fields(cluster: Cluster | None) -> dict[str, str]:
    if cluster is None:
        return {}
    fields = {
        "environment": cluster.environment,
        "region": cluster.region,
        "active": _word(cluster.active),
        "origin": "" if cluster.origin is ClusterOrigin.REGISTERED else cluster.origin.value,
    }
    fields |= {f"labels.{key}": value for key, value in cluster.labels.items()}
    for kind, endpoint in cluster.endpoints.items():
        place = f"endpoints.{kind.value}"
        fields[f"{place}.url"] = endpoint.url
        fields[f"{place}.verify_tls"] = _word(endpoint.verify_tls)
        fields[f"{place}.tenant"] = endpoint.tenant
        fields[f"{place}.namespace"] = endpoint.namespace
        if endpoint.budget is not None:
            own = endpoint.budget.model_dump(exclude_none=True)
            fields |= {f"{place}.budget.{bound}": str(value) for bound, value in own.items()}
        # Certificates are told apart by a digest: nobody compares kilobytes of base64.
        digest = sha256(endpoint.ca_pem.encode()).hexdigest()[:12] if endpoint.ca_pem else ""
        fields[f"{place}.ca"] = f"sha256:{digest}" if digest else ""
    return {field: value for field, value in fields.items() if value or field.startswith("labels.")}


def _word(value: bool) -> str:
    return "yes" if value else "no"
