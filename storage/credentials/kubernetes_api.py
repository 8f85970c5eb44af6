"""The Secrets of one namespace, over the API server's HTTP API and the official client's transport."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from threading import Lock
from typing import Any

from kubernetes.client import Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.client.rest import RESTClientObject
from urllib3.exceptions import HTTPError

from fleet.collectors.kubernetes.answers import Answer, error_of, transport_error
from fleet.collectors.transport.authorization import Authorization
from fleet.collectors.transport.tls import tls_context
from fleet.credentials import Credential, GivenCredential
from fleet.errors import SourceError, StoreError, StoreUnavailable, Throttled
from fleet.inventory.cluster import Endpoint
from storage.credentials.kubernetes_access import KubernetesAccess
from storage.credentials.secret_document import Document

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
_ATTEMPTS = 3
_LONGEST_PAUSE_SECONDS = 5.0
# An API server takes no object of more than 3 MiB.
_LARGEST_BYTES = 4 * 2**20


class SecretChanged(Exception):
    """A Secret is not the one any more that was read, or is there although none was: read it and try again."""


@dataclass(frozen=True)
class _Connection:
    """Pooled connections, for as long as address and credential stay as they are."""

    endpoint: Endpoint
    credential: Credential
    authorization: Authorization
    # The client's transport is not typed.
    rest: Any

    @classmethod
    def to(cls, endpoint: Endpoint, credential: Credential) -> _Connection:
        authorization = Authorization(endpoint, GivenCredential(credential))
        configuration = Configuration(host=endpoint.url, retries=False)
        # What the environment says must not decide where a secret goes.
        configuration.proxy = None
        configuration.verify_ssl = endpoint.verify_tls
        rest = RESTClientObject(configuration)
        if endpoint.url.startswith("https:"):
            # Built here and not by the client, which would write a client key into a temporary file.
            rest.pool_manager.connection_pool_kw["ssl_context"] = tls_context(endpoint, credential)
        return cls(endpoint, credential, authorization, rest)


class SecretsApi:
    """Reads and writes Secrets; safe to share between threads.

    Every method raises:
        StoreUnavailable: the API server cannot be reached, is overloaded or fails just now.
        StoreError: it refuses.

    Args:
        access: where the API server is, and how to authenticate.
        namespace: the Secrets' namespace.
    """

    def __init__(self, access: KubernetesAccess, namespace: str) -> None:
        self.namespace = namespace
        self._access = access
        self._lock = Lock()
        self._connection: _Connection | None = None

    def read(self, name: str) -> Document | None:
        """The Secret of this name, or None."""
        return self._exchange("GET", name)

    def create(self, document: Document) -> None:
        """Write a Secret that is not there yet.

        Raises:
            SecretChanged: one is there.
        """
        self._exchange("POST", "", document)

    def replace(self, name: str, document: Document) -> None:
        """Write a Secret in place of the one whose ``resourceVersion`` it carries.

        Raises:
            SecretChanged: that one is not there any more.
        """
        if self._exchange("PUT", name, document) is None:
            raise SecretChanged

    def delete(self, name: str) -> None:
        """Delete a Secret; nothing happens when there is none."""
        try:
            self._exchange("DELETE", name)
        except SecretChanged:
            conflict = StoreUnavailable(f"The Secret {self.namespace}/{name} is being written by others just now.")
        else:
            return
        raise conflict

    def _exchange(self, method: str, name: str, document: Document | None = None) -> Document | None:
        """What the server answers, or None where the Secret is not there."""
        path = f"/api/v1/namespaces/{self.namespace}/secrets{f'/{name}' if name else ''}"
        for attempt in range(1, _ATTEMPTS + 1):
            connection = self._connected()
            answer = self._send(connection, method, path, document)
            fault = error_of(answer, connection.endpoint.url, path)
            pause = _granted_pause(fault)
            if pause is None or attempt == _ATTEMPTS:
                return self._meaning(answer, fault, connection.endpoint)
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _meaning(self, answer: Answer, fault: SourceError | None, endpoint: Endpoint) -> Document | None:
        """The document of an answer, or None for a Secret that is not there; anything else is raised."""
        status = _decoded(answer.body)
        if fault is None:
            if status is None:
                raise _no_api(endpoint)
            return status
        details = (status or {}).get("details")
        kind = details.get("kind") if isinstance(details, dict) else None
        if answer.status == 404 and kind == "secrets":
            return None
        if answer.status == 409:
            raise SecretChanged
        if answer.status == 404 and kind == "namespaces":
            raise StoreError(
                f"The namespace {self.namespace}, which is to hold the credentials, does not exist.",
                hint="Create it, or correct FLEETSCOPE_CREDENTIALS_NAMESPACE.",
            )
        if answer.status == 404:
            raise _no_api(endpoint)
        raise _store_error(fault, self._remedy(answer.status))

    def _remedy(self, code: int) -> str:
        return {
            401: self._access.remedy,
            403: f"Give its user get, create, update and delete on Secrets in {self.namespace} by a Role.",
            413: "The credential is too large for a Secret, which holds 1 MiB.",
            422: "If somebody made the Secret immutable, delete it and register the cluster again.",
        }.get(code, "")

    def _connected(self) -> _Connection:
        endpoint, credential = self._access.read()
        with self._lock:
            connection = self._connection
            if connection is None or (connection.endpoint, connection.credential) != (endpoint, credential):
                connection = self._connection = _connection(endpoint, credential)
            return connection

    def _send(self, connection: _Connection, method: str, path: str, document: Document | None) -> Answer:
        headers = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "fleetscope"}
        if connection.authorization.header is not None:
            headers["Authorization"] = connection.authorization.header.decode("ascii")
        url, timeouts = f"{connection.endpoint.url}{path}", (CONNECT_SECONDS, READ_SECONDS)
        try:
            sent = connection.rest.request(method, url, headers=headers, body=document, _request_timeout=timeouts)
            body = _body(sent.response)
        except (HTTPError, ApiException) as failure:
            certified = connection.authorization.certified
            fault = _store_error(transport_error(failure, connection.endpoint, certified=certified))
        else:
            if sent.status not in {200, 201}:
                body = connection.authorization.hide(body.decode(errors="replace")).encode()
            return Answer(status=sent.status, headers=sent.headers, body=body)
        # Outside the handler: the client's exceptions hold headers and bodies, and would stay as this one's context.
        raise fault


def _connection(endpoint: Endpoint, credential: Credential) -> _Connection:
    try:
        return _Connection.to(endpoint, credential)
    except SourceError as wrong:
        fault = _store_error(wrong)
    raise fault


def _body(response: Any) -> bytes:
    try:
        body: bytes = response.read(_LARGEST_BYTES, decode_content=True)
    finally:
        # A whole answer has given its connection back by now; what is left of another would block the next.
        if response.isclosed():
            response.release_conn()
        else:
            response.close()
    return body


def _decoded(body: bytes) -> Document | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _granted_pause(fault: SourceError | None) -> float | None:
    """How long to wait before the same request is sent again; None where it is not."""
    if not isinstance(fault, Throttled):
        return None
    wished = 1.0 if fault.retry_after_seconds is None else fault.retry_after_seconds
    return wished if wished <= _LONGEST_PAUSE_SECONDS else None


def _store_error(fault: SourceError, hint: str = "") -> StoreError:
    """A failure to reach our own store, in the words that the collectors have for a cluster's API server."""
    kind = StoreUnavailable if fault.retriable else StoreError
    return kind(f"The Secrets of the credential store: {fault.message}", hint=hint or fault.hint)


def _no_api(endpoint: Endpoint) -> StoreError:
    return StoreError(
        f"{endpoint.url}, which is to hold the credentials, answers, but not as a Kubernetes API does.",
        hint="Correct the address in the kubeconfig.",
    )
