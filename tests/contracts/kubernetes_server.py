"""The Kubernetes API that the contracts are run on: how it is reached, what it has, and a place of our own in it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from kubernetes import client, config

from fleet.collectors.transport.tls import tls_context
from fleet.credentials import Credential, GivenCredential
from fleet.inventory.cluster import Cluster, EndpointKind
from storage.credentials.kubernetes_access import KubeconfigFile

PATIENCE_SECONDS = 20.0
"""How long a server may take to follow a write: watch caches, authorizers and controllers lag behind."""
Object = dict[str, Any]


def until(holds: Callable[[], bool]) -> None:
    """Waits for something to become so.

    Raises:
        AssertionError: it did not in time.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)


class KubernetesServer:
    """An API server by a kubeconfig's current context."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.endpoint, self.credential = KubeconfigFile(kubeconfig).read()

    def client(self, token: str | None = None) -> client.ApiClient:
        """The ``kubernetes`` package's client, with another token where it is given; a context manager."""
        made = config.new_client_from_config(str(self.kubeconfig))
        if token is not None:
            made.configuration.api_key = {"authorization": f"Bearer {token}"}
            made.configuration.cert_file = made.configuration.key_file = None
            made = client.ApiClient(made.configuration)
        return made

    def http(self, token: str | None = None) -> httpx.Client:
        """A plain client, with another token where it is given ("" for none)."""
        own = self.credential if token is None else None
        if own is not None and own.token is not None:
            token = own.token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        context = tls_context(self.endpoint, own)
        return httpx.Client(base_url=self.endpoint.url, verify=context, headers=headers, timeout=30)

    def cluster(self, credential: Credential | None = None) -> tuple[Cluster, GivenCredential]:
        """The server as a registered cluster, with a credential for it."""
        cluster = Cluster(name="contract", endpoints={EndpointKind.KUBERNETES: self.endpoint})
        return cluster, GivenCredential(credential or self.credential)

    def lacks(self, need: str) -> str:
        """Why the server cannot be held to what needs this; "" where it can."""
        return _NEEDS[need](self)

    @cached_property
    def groups(self) -> frozenset[str]:
        """The API groups that it had at the beginning."""
        with self.http() as http:
            return frozenset(each["name"] for each in http.get("/apis").json()["groups"])

    def resources(self, group_version: str) -> frozenset[str]:
        """The resources of a group's version, by their plurals."""
        with self.http() as http:
            answer = http.get(f"/apis/{group_version}")
        return frozenset(each["name"] for each in answer.json()["resources"]) if answer.is_success else frozenset()


def _no_write(server: KubernetesServer) -> str:
    asked = {"resourceAttributes": {"verb": "create", "resource": "namespaces"}}
    allowed = _review(server, "SelfSubjectAccessReview", asked)
    return "" if allowed else "the credential may not create namespaces"


def _no_kubelet(server: KubernetesServer) -> str:
    with server.http() as http:
        nodes = http.get("/api/v1/nodes", params={"limit": 1}).json().get("items") or []
        for node in nodes:
            if http.get(f"/api/v1/nodes/{node['metadata']['name']}/proxy/healthz").is_success:
                return ""
    return "no node has a kubelet that answers"


def _has_kubelet(server: KubernetesServer) -> str:
    return "" if _no_kubelet(server) else "its nodes belong to kubelets, not to tests"


def _no_openshift(server: KubernetesServer) -> str:
    return "" if "config.openshift.io" in server.groups else "it is not OpenShift"


def _no_rbac(server: KubernetesServer) -> str:
    asked = {"user": f"nobody-{uuid.uuid4().hex}", "resourceAttributes": {"verb": "list", "resource": "secrets"}}
    return "everybody may do everything" if _review(server, "SubjectAccessReview", asked) else ""


def _no_self_review(server: KubernetesServer) -> str:
    known = "selfsubjectreviews" in server.resources("authentication.k8s.io/v1")
    return "" if known else "it is older than SelfSubjectReview (1.28)"


def _review(server: KubernetesServer, kind: str, spec: Object) -> bool:
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    with server.http() as http:
        answer = http.post(f"/apis/authorization.k8s.io/v1/{kind.lower()}s", json=body)
    answer.raise_for_status()
    return bool(answer.json()["status"]["allowed"])


_NEEDS: Mapping[str, Callable[[KubernetesServer], str]] = {
    "write": _no_write,
    "kubelet": _no_kubelet,
    "no-kubelet": _has_kubelet,
    "openshift": _no_openshift,
    "rbac": _no_rbac,
    "self-review": _no_self_review,
}


@dataclass(frozen=True)
class Place:
    """A namespace of the run's own, and what it takes to write into it."""

    server: KubernetesServer
    http: httpx.Client
    namespace: str

    @property
    def run(self) -> str:
        """A word that no other run has."""
        return self.namespace.rpartition("-")[2]

    def path(self, plural: str, name: str = "", api: str = "api/v1") -> str:
        """The path of a resource in the namespace."""
        return f"/{api}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def create(self, plural: str, body: Object, api: str = "api/v1") -> httpx.Response:
        """Asks for a new object in the namespace."""
        return self.http.post(self.path(plural, api=api), json=body)

    def config_map(self, name: str, data: dict[str, str] | None = None, **metadata: Any) -> Object:
        """A ConfigMap that is stored."""
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": data or {}}
        answer = self.create("configmaps", body)
        assert answer.status_code == 201, answer.text
        made: Object = answer.json()
        return made

    def patch(self, path: str, patch: Any, kind: str = "merge-patch+json", **parameters: str) -> httpx.Response:
        """Asks for a patch."""
        headers = {"Content-Type": f"application/{kind}"}
        return self.http.patch(path, content=json.dumps(patch), headers=headers, params=parameters)

    def service_account(self, name: str) -> str:
        """A service account without any right; its token."""
        self.create("serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        answer = self.http.post(f"{self.path('serviceaccounts', name)}/token", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["status"]["token"])

    @contextmanager
    def everywhere(self, path: str, body: Object) -> Iterator[Object]:
        """An object of the whole cluster, which goes at the end."""
        answer = self.http.post(path, json=body)
        assert answer.status_code == 201, answer.text
        try:
            yield answer.json()
        finally:
            self.http.delete(f"{path}/{body['metadata']['name']}")


@contextmanager
def new_place(server: KubernetesServer) -> Iterator[Place]:
    """A namespace that goes at the end, with what it holds: where no controller empties it, this does."""
    name = f"fleetscope-contract-{uuid.uuid4().hex[:8]}"
    with server.http() as http:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        answer = http.post("/api/v1/namespaces", json=body)
        assert answer.status_code == 201, answer.text
        place = Place(server, http, name)
        try:
            yield place
        finally:
            for plural in ("configmaps", "secrets", "serviceaccounts"):
                http.delete(place.path(plural))
            http.delete(f"/api/v1/namespaces/{name}")


@contextmanager
def custom_kind(place: Place, group: str, plural: str, kind: str, **parts: Any) -> Iterator[str]:
    """A kind of our own, served when this begins; the name of its definition.

    Args:
        place: where the run is.
        group: its API group.
        plural: as it stands in paths.
        kind: its kind.
        parts: further fields of its one version (v1), among them ``schema``; and ``scope``.
    """
    name, scope = f"{plural}.{group}", parts.pop("scope", "Namespaced")
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}, **parts}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {"group": group, "scope": scope, "names": names, "versions": [version]},
    }
    with place.everywhere("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body):
        until(lambda: place.http.get(f"/apis/{group}/v1/{plural}").is_success)
        yield name
