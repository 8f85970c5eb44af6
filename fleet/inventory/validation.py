"""What became of asking a cluster's endpoints, and of asking for the rights that reading it takes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from fleet.inventory.cluster import EndpointKind


class EndpointStatus(StrEnum):
    """How an endpoint answered what the collector asks it."""

    OK = "ok"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    WRONG_SERVICE = "wrong service"
    FAILED = "failed"


class EndpointValidation(BaseModel):
    """One endpoint, asked once.

    ``latency_seconds`` is that of what its collector asks, the whole answer included; None where it was not answered.
    ``message`` says what was seen (also when all is well), ``hint`` what to do; ``version`` is what the server says of
    itself, empty where it does not. All text that came from the server is cleaned.
    """

    kind: EndpointKind
    url: str
    verify_tls: bool
    status: EndpointStatus
    latency_seconds: float | None = None
    version: str = ""
    message: str = ""
    hint: str = ""


class Right(BaseModel):
    """A right as Kubernetes' RBAC names it; no ``namespace`` means in all of them, no ``name`` any object."""

    model_config = ConfigDict(frozen=True)

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        """As people say it, for example ``create pods/exec`` or ``list clusterversions.config.openshift.io``."""
        resource = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        name = f" {self.name}" if self.name else ""
        place = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {resource}{'.' + self.group if self.group else ''}{name}{place}"


class RightReview(BaseModel):
    """Whether the cluster grants a right; ``allowed`` None means that this could not be asked, ``reason`` why."""

    right: Right
    allowed: bool | None
    needed_for: str
    reason: str = ""


class ClusterValidation(BaseModel):
    """All of a cluster's endpoints and rights, as they were at ``checked_at`` (UTC)."""

    cluster_id: str
    name: str
    checked_at: datetime
    endpoints: list[EndpointValidation] = Field(default_factory=list)
    rights: list[RightReview] = Field(default_factory=list)

    @property
    def missing_rights(self) -> list[Right]:
        """The rights that the cluster is known not to grant."""
        return [review.right for review in self.rights if review.allowed is False]

    @property
    def sound(self) -> bool:
        """Whether every endpoint answers and every right is known to be granted."""
        answered = all(endpoint.status is EndpointStatus.OK for endpoint in self.endpoints)
        return answered and all(review.allowed is True for review in self.rights)
