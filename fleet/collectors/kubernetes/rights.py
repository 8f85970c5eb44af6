"""The rights that reading a cluster takes: which they are, whether they are granted, and the role that grants them.

Asked by SelfSubjectAccessReviews (authorization.k8s.io/v1): what the API server would decide, without doing it.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from fleet.collectors.kubernetes.answers import NotServed
from fleet.collectors.kubernetes.client import KubernetesClient
from fleet.collectors.kubernetes.groups import GroupList, ServedGroups
from fleet.collectors.kubernetes.kinds import KINDS, ROUTES
from fleet.collectors.kubernetes.probe import probe_limits
from fleet.collectors.kubernetes.text import clean
from fleet.collectors.transport.deadline import Deadline
from fleet.collectors.transport.decoding import decoder_of, strictly
from fleet.credentials import CredentialSource
from fleet.errors import Forbidden, SourceError
from fleet.inventory.cluster import Endpoint
from fleet.inventory.validation import Right, RightReview

ROLE_NAME = "fleetscope"

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_CONCURRENCY = 8
_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
_EXEC = "counters inside pods of devices' operators; servers differ in which of get and create they ask for"


INGRESS_AUTHORITY = Right(
    verb="get", resource="configmaps", namespace="openshift-config-managed", name="default-ingress-cert"
)
"""Reading the authority that signed the certificate of OpenShift's routers."""


@dataclass(frozen=True)
class NeededRight:
    """A right, and what a collector cannot do without it.

    Attributes:
        right: as it is asked for.
        needed_for: in words.
        where: the API group on whose clusters it is needed; None for that of the right itself.
    """

    right: Right
    needed_for: str
    where: str | None = None

    def needed_on(self, groups: ServedGroups | None) -> bool:
        """Whether a cluster that serves these groups makes it necessary; one that does not tell them may."""
        return groups is None or groups.serves(self.right.group if self.where is None else self.where)


RIGHTS = (
    *(NeededRight(Right(verb="list", resource=kind.plural, group=kind.group), kind.needed_for) for kind in KINDS),
    NeededRight(Right(verb="get", resource="pods", subresource="log"), "containers' logs where there is no Loki"),
    NeededRight(Right(verb="get", resource="pods", subresource="exec"), _EXEC),
    NeededRight(Right(verb="create", resource="pods", subresource="exec"), _EXEC),
    NeededRight(
        Right(verb="get", resource="services", subresource="proxy"),
        "Prometheus, Alertmanager, Loki and Tempo by way of the API server, where they have no address of their own",
    ),
    NeededRight(INGRESS_AUTHORITY, "verifying the certificates of OpenShift's Routes that are found", ROUTES.group),
    NeededRight(
        Right(verb="create", resource="selfsubjectaccessreviews", group="authorization.k8s.io"),
        "asking whether these rights are granted",
    ),
)
"""Every right that a collector needs. Those of an API group that a cluster does not serve are not needed there."""


class _Status(msgspec.Struct, rename="camel"):
    allowed: bool | None = None
    reason: str = ""
    evaluation_error: str = ""


class _Review(msgspec.Struct):
    status: _Status


_GROUPS = decoder_of(GroupList)
_REVIEW = decoder_of(_Review)


def review_rights(endpoint: Endpoint, credentials: CredentialSource | None, deadline: Deadline) -> list[RightReview]:
    """Whether each right is granted that this cluster's API groups make necessary.

    Raises:
        StoreError: the credential could not be had. What the API does raises nothing: what it does not answer is
            neither granted nor denied.
    """
    try:
        limits = replace(probe_limits(deadline), connections=_CONCURRENCY)
        with KubernetesClient(endpoint, credentials, limits) as client:
            groups = _groups(client)
            needed = [each for each in RIGHTS if each.needed_on(groups)]
            with ThreadPoolExecutor(_CONCURRENCY, thread_name_prefix="rights") as threads:
                return list(threads.map(partial(_review, client), needed))
    except SourceError as error:
        return unasked_rights(error.message)


def unasked_rights(reason: str) -> list[RightReview]:
    """Every right as neither granted nor denied."""
    return [RightReview(right=each.right, allowed=None, needed_for=each.needed_for, reason=reason) for each in RIGHTS]


def cluster_role(rights: Iterable[Right], name: str = ROLE_NAME) -> str:
    """A ClusterRole that grants exactly these rights, as YAML that says what each is for.

    A rule for each set of verbs in an API group; a right in one namespace becomes one in all of them, as a
    ClusterRole has it unless it is bound by a RoleBinding.
    """
    verbs: dict[tuple[str, str, str], list[str]] = {}
    for right in rights:
        wanted = verbs.setdefault((right.group, right.name, _resource(right)), [])
        wanted.extend([right.verb] if right.verb not in wanted else [])
    rules: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (group, object_name, resource), wanted in verbs.items():
        rules.setdefault((group, object_name, tuple(sorted(wanted, key=_VERBS.index))), []).append(resource)
    head = ["apiVersion: rbac.authorization.k8s.io/v1", "kind: ClusterRole", "metadata:", f"  name: {name}"]
    lines = [*head, "rules:" if rules else "rules: []"]
    for (group, object_name, rule_verbs), resources in rules.items():
        lines.append(f'  - apiGroups: ["{group}"]' if not group else f"  - apiGroups: [{group}]")
        lines.append("    resources:")
        lines += _commented(group, resources)
        if object_name:
            lines.append(f"    resourceNames: [{object_name}]")
        lines.append(f"    verbs: [{', '.join(rule_verbs)}]")
    return "\n".join(lines) + "\n"


def _commented(group: str, resources: list[str]) -> list[str]:
    needed_for = {(each.right.group, _resource(each.right)): each.needed_for for each in RIGHTS}
    lines: list[str] = []
    said = ""
    for resource in resources:
        comment = needed_for.get((group, resource), "")
        if comment and comment != said:
            lines.append(f"      # {comment}")
        lines.append(f"      - {resource}")
        said = comment
    return lines


def _resource(right: Right) -> str:
    return f"{right.resource}/{right.subresource}" if right.subresource else right.resource


def _groups(client: KubernetesClient) -> ServedGroups | None:
    """The API groups that the cluster serves; None where it does not tell them."""
    try:
        return ServedGroups.of(strictly(_GROUPS, client.get("/apis"), client.endpoint.url))
    except Forbidden:
        return None


def _review(client: KubernetesClient, needed: NeededRight) -> RightReview:
    right = needed.right
    allowed, reason = None, ""
    try:
        status = _status(client, right)
        allowed, reason = status.allowed, clean(status.evaluation_error or status.reason)
    except NotServed:
        reason = "the API server reviews no rights"
    except SourceError as error:
        reason = error.message
    return RightReview(right=right, allowed=allowed, needed_for=needed.needed_for, reason=reason)


def _status(client: KubernetesClient, right: Right) -> _Status:
    attributes = {
        "verb": right.verb,
        "group": right.group,
        "resource": right.resource,
        "subresource": right.subresource,
        "namespace": right.namespace,
        "name": right.name,
    }
    body = client.post(
        _REVIEWS,
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        },
    )
    return strictly(_REVIEW, body, client.endpoint.url).status
