"""The roles and bindings that every API server makes for itself, and those of the fleet's reader."""

from __future__ import annotations

from simulator.access import READER
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, born, metadata

_ALL = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, {"verbs": ["*"], "nonResourceURLs": ["*"]}]
_DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz"]
_PUBLIC = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_SELF = [
    {
        "verbs": ["create"],
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    },
    {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]},
]
_ROLES: dict[str, list[dict[str, list[str]]]] = {
    "cluster-admin": _ALL,
    "system:basic-user": _SELF,
    "system:discovery": [{"verbs": ["get"], "nonResourceURLs": [*_DISCOVERY, "/version", "/version/"]}],
    "system:public-info-viewer": [{"verbs": ["get"], "nonResourceURLs": _PUBLIC}],
    "system:auth-delegator": [
        {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"]},
        {"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"]},
    ],
}
_API = "rbac.authorization.k8s.io"
_AUTHENTICATED = {"kind": "Group", "apiGroup": _API, "name": "system:authenticated"}
_UNAUTHENTICATED = {"kind": "Group", "apiGroup": _API, "name": "system:unauthenticated"}
_NAMESPACE, _NAME = READER.split(":")[2:]
_BINDINGS: dict[str, tuple[str, list[dict[str, str]]]] = {
    "cluster-admin": ("cluster-admin", [{"kind": "Group", "apiGroup": _API, "name": "system:masters"}]),
    "fleet-reader": ("cluster-admin", [{"kind": "ServiceAccount", "namespace": _NAMESPACE, "name": _NAME}]),
    "system:basic-user": ("system:basic-user", [_AUTHENTICATED]),
    "system:discovery": ("system:discovery", [_AUTHENTICATED]),
    "system:public-info-viewer": ("system:public-info-viewer", [_AUTHENTICATED, _UNAUTHENTICATED]),
}


def cluster_roles(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The ClusterRoles."""
    start = born(cluster)
    return [
        {"metadata": metadata(cluster, "ClusterRole", name, start), "rules": rules} for name, rules in _ROLES.items()
    ]


def cluster_role_bindings(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The ClusterRoleBindings."""
    start = born(cluster)
    return [
        {
            "metadata": metadata(cluster, "ClusterRoleBinding", name, start),
            "roleRef": {"apiGroup": _API, "kind": "ClusterRole", "name": role},
            "subjects": subjects,
        }
        for name, (role, subjects) in _BINDINGS.items()
    ]
