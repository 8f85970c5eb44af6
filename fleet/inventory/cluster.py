"""A cluster as the registry knows it: its name, labels and endpoints, and the name of its secret, never the secret."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from fleet.inventory.endpoint_budget import EndpointBudget

ClusterName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
"""A DNS label (RFC 1123): it stands in object keys, file names and Secret names without quoting."""


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// URL with a host")
    if parts.username or parts.password:
        raise ValueError("must not carry a user or password; credentials go into the credential store")
    if parts.query or parts.fragment:
        raise ValueError("must not carry a query string or a fragment")
    if "\\" in value or any(sign.isspace() or not sign.isprintable() for sign in value):
        raise ValueError("must not carry white space, control characters or a backslash")
    # Reading a port that is no number raises ValueError too.
    if parts.port == 0:
        raise ValueError("must not have the port 0")
    return value.rstrip("/")


HttpUrl = Annotated[str, AfterValidator(_http_url)]


Tenant = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!_.*'()|-]{0,150}$")]
"""A tenant of Loki or Tempo as ``X-Scope-OrgID`` carries it; several are joined by ``|``."""


def authority_fault(pem: str) -> str:
    """Why a text cannot be stored as the certificates of an authority, or "".

    They stand in the cluster's row and are shown: a key or a token that was named by mistake must not get there.
    """
    if "PRIVATE KEY-----" in pem:
        return "holds a private key"
    return "" if "-----BEGIN CERTIFICATE-----" in pem else "is no PEM certificate"


Namespace = Annotated[str, StringConstraints(pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$")]
"""A namespace of Kubernetes (a DNS label), or "" for none."""


class EndpointKind(StrEnum):
    """What answers at an endpoint."""

    KUBERNETES = "kubernetes"
    PROMETHEUS = "prometheus"
    ALERTMANAGER = "alertmanager"
    LOKI = "loki"
    TEMPO = "tempo"
    KORREL8R = "korrel8r"


class Endpoint(BaseModel):
    """One address of a cluster that an operator registered.

    ``ca_pem`` is the PEM of the authority that signed the server's certificate (public, hence stored here);
    None means the machine's own trust store. ``verify_tls`` false is shown wherever the endpoint is shown. ``tenant``
    goes with each request to a Loki or Tempo that has several; OpenShift's gateways have theirs in the address.
    ``namespace`` goes with each request to a tenancy port of OpenShift's monitoring, which shows nothing beyond it.
    ``budget`` is what it may be asked where that differs from others of its kind.
    """

    model_config = ConfigDict(frozen=True)

    url: HttpUrl
    verify_tls: bool = True
    ca_pem: str | None = None
    tenant: Tenant = ""
    namespace: Namespace = ""
    budget: EndpointBudget | None = None


class ClusterOrigin(StrEnum):
    """How the cluster came into the registry; ad-hoc ones belong to no fleet scan."""

    REGISTERED = "registered"
    AD_HOC = "ad-hoc"


class Cluster(BaseModel):
    """One cluster of the fleet.

    ``id`` is stable for a name, so that applying the same registration twice meets the same cluster.
    ``credential_ref`` names a secret in the credential store; None means that the endpoints need none.
    """

    id: str = ""
    name: ClusterName
    environment: str = ""
    region: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    endpoints: dict[EndpointKind, Endpoint] = Field(default_factory=dict)
    credential_ref: str | None = None
    active: bool = True
    origin: ClusterOrigin = ClusterOrigin.REGISTERED
    registered_at: datetime | None = None

    def model_post_init(self, context: object, /) -> None:
        """Give a cluster that has no id the one of its name."""
        if not self.id:
            self.id = cluster_id(self.name)

    def matches(self, selector: dict[str, str]) -> bool:
        """Whether every ``key=value`` of a selector holds; ``name``, ``environment`` and ``region`` count as labels."""
        facts = {**self.labels, "name": self.name, "environment": self.environment, "region": self.region}
        return all(facts.get(key) == value for key, value in selector.items())


def cluster_id(name: str) -> str:
    """The id of the cluster with this name: 12 hexadecimal digits, safe in keys and Secret names."""
    return uuid5(NAMESPACE_URL, f"fleetscope:cluster:{name}").hex[:12]


def credential_ref(name: str) -> str:
    """The reference under which the credential store keeps the secret of the cluster with this name."""
    return f"clusters/{name}"
