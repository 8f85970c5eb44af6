"""What a context of a kubeconfig comes to: an endpoint with a credential, or why it cannot be used.

Which of several fields counts is as in ``k8s.io/client-go/tools/clientcmd``: data before files, a token's file before
the token. What we cannot honour is refused in words.
"""

from __future__ import annotations

import base64
import binascii
import shlex
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from fleet.credentials import Credential
from fleet.inventory.cluster import Endpoint, authority_fault
from fleet.inventory.kubeconfig.form import ClusterForm, UserForm
from fleet.inventory.kubeconfig.named_file import UnreadableFile, read_named_file

_OPENSHIFT_LOGIN_TOKEN = "sha256~"  # noqa: S105 - the prefix of all of them, no secret


class KubeconfigContext(BaseModel):
    """One context, as far as it can be used.

    Attributes:
        name: the context's name, as it stands in the file.
        endpoint: the Kubernetes endpoint, or None where it cannot be used.
        credential: how its user authenticates, or None where that cannot be used.
        problem: why one of them cannot be used, "" when both can.
        commands: what to run, where that gives a token that can be used.
        notes: what should be known before it is used.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    endpoint: Endpoint | None = None
    credential: Credential | None = None
    problem: str = ""
    commands: list[str] = []
    notes: list[str] = []


class _Unusable(Exception):
    """Why a context cannot be used; ``needs_token`` where a service account's token would mend it."""

    def __init__(self, problem: str, *, needs_token: bool = False) -> None:
        super().__init__(problem)
        self.needs_token = needs_token


def read_context(name: str, cluster: ClusterForm | None, user: UserForm | None, directory: Path) -> KubeconfigContext:
    """A context of its entries.

    Args:
        name: the context's.
        cluster: the cluster that it names, None where there is no such entry.
        user: the user that it names, None where there is no such entry.
        directory: what relative paths start from.
    """
    endpoint = None
    try:
        if cluster is None:
            raise _Unusable("the cluster that it names is not in the file")
        endpoint = _endpoint(cluster, directory)
        if user is None:
            raise _Unusable("the user that it names is not in the file", needs_token=True)
        credential = _credential(user, directory)
    except (_Unusable, UnreadableFile) as wrong:
        needs_token = isinstance(wrong, _Unusable) and wrong.needs_token
        commands = _token_commands(name) if needs_token else []
        return KubeconfigContext(name=name, endpoint=endpoint, problem=str(wrong), commands=commands)
    return KubeconfigContext(
        name=name, endpoint=endpoint, credential=credential, notes=_notes(endpoint, user, credential)
    )


def _endpoint(cluster: ClusterForm, directory: Path) -> Endpoint:
    if cluster.proxy_url:
        raise _Unusable("its API is reached through a proxy (proxy-url), which is not supported")
    if cluster.tls_server_name:
        raise _Unusable(
            "its certificate is checked against another name (tls-server-name), which is not supported: "
            "use an address that is in the certificate"
        )
    ca = _bytes(cluster.ca_data, cluster.ca_file, "certificate-authority", directory)
    try:
        ca_pem = ca.decode() if ca is not None else None
    except UnicodeDecodeError:
        raise _Unusable("its certificate-authority is no PEM certificate") from None
    fault = authority_fault(ca_pem) if ca_pem is not None else ""
    if fault:
        raise _Unusable(f"its certificate-authority {fault}")
    try:
        return Endpoint(url=cluster.server, verify_tls=not cluster.insecure, ca_pem=ca_pem)
    except ValidationError:
        raise _Unusable("its server is no http:// or https:// address without user, query and fragment") from None


def _credential(user: UserForm, directory: Path) -> Credential:
    if user.act_as is not None:
        raise _Unusable("it acts as another user (as), which is not supported", needs_token=True)
    certificate = _bytes(user.client_certificate_data, user.client_certificate, "client-certificate", directory)
    key_data = user.client_key_data.get_secret_value() if user.client_key_data else ""
    key = _bytes(key_data, user.client_key, "client-key", directory)
    if (certificate is None) != (key is None):
        raise _Unusable("its client certificate and key are not both there")
    try:
        credential = Credential(
            token=_token(user, directory),
            username=user.username or None,
            password=user.password,
            client_cert_pem=certificate.decode() if certificate is not None else None,
            client_key_pem=SecretStr(key.decode()) if key is not None else None,
        )
    except UnicodeDecodeError:
        raise _Unusable("its client certificate or key is no PEM text") from None
    if not any([credential.token, credential.username and credential.password, credential.client_cert_pem]):
        raise _Unusable(_no_credential(user), needs_token=True)
    return credential


def _token(user: UserForm, directory: Path) -> SecretStr | None:
    if user.token_file:
        try:
            token = read_named_file(directory, user.token_file).decode("ascii").strip()
        except UnicodeDecodeError:
            raise _Unusable("what its tokenFile holds is no token") from None
        if token:
            return SecretStr(token)
    return user.token if user.token and user.token.get_secret_value() else None


def _no_credential(user: UserForm) -> str:
    if user.exec is not None:
        return "its user authenticates by a program (exec), and programs that a kubeconfig names are never run"
    if user.auth_provider is not None:
        return "its user authenticates by a plug-in (auth-provider), and those are never run"
    return "its user has neither token, nor user name and password, nor client certificate"


def _bytes(data: str, file: str, field: str, directory: Path) -> bytes | None:
    """A field that is given as base64 or as the name of a file; None where it is not given at all."""
    if data:
        try:
            return base64.b64decode("".join(data.split()), validate=True)
        except (binascii.Error, ValueError):
            raise _Unusable(f"its {field}-data is no base64") from None
    return read_named_file(directory, file) if file else None


def _notes(endpoint: Endpoint, user: UserForm, credential: Credential) -> list[str]:
    notes = []
    if not endpoint.verify_tls:
        notes.append("the server's certificate is not verified (insecure-skip-tls-verify)")
    if user.token_file:
        notes.append(f"its token was read from {user.token_file}, and is not read again when that changes")
    if credential.token and credential.token.get_secret_value().startswith(_OPENSHIFT_LOGIN_TOKEN):
        notes.append("its token comes from a login and ends soon, usually after a day: better a service account's")
    if user.exec is not None or user.auth_provider is not None:
        notes.append("the program or plug-in that it names was not run; the credential beside it is used")
    return notes


def _token_commands(context: str) -> list[str]:
    """Commands that make a service account and its token; the context's name is quoted, for it may be anything."""
    kubectl = f"kubectl --context {shlex.quote(context)}"
    return [
        f"{kubectl} create namespace fleetscope",
        f"{kubectl} --namespace fleetscope create serviceaccount fleetscope",
        f"{kubectl} create clusterrolebinding fleetscope-view --clusterrole view "
        "--serviceaccount fleetscope:fleetscope",
        f"(umask 077; {kubectl} --namespace fleetscope create token fleetscope --duration 8760h > token)",
    ]
