"""The TLS side of a connection to an API server: what we trust, what we show, and what went wrong in words."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from fleet.credentials import Credential
from fleet.errors import TlsFailed
from fleet.inventory.cluster import Endpoint

_FAULTS = (
    ("certificate has expired", "the certificate has expired", "Renew the server's certificate."),
    ("not yet valid", "the certificate is not valid yet", "Compare the clocks of both machines."),
    ("hostname mismatch", "the certificate is for another name", "Register a name that the certificate carries."),
    ("ip address mismatch", "the certificate is for another address", "Register a name that the certificate carries."),
    (
        "certificate verify failed",
        "the certificate is signed by an authority that is not trusted here",
        "Register the CA certificate of the cluster with its endpoint.",
    ),
    ("wrong version number", "the server does not speak TLS on this port", "Check scheme and port of the address."),
    ("alert", "the server refused our side of the handshake", "Check the client certificate."),
)


def tls_context(endpoint: Endpoint, credential: Credential | None) -> ssl.SSLContext:
    """What an endpoint's row and a credential say about TLS, as a context.

    Raises:
        fleet.errors.TlsFailed: the CA, the client certificate or its key cannot be read, or do not belong together.
    """
    try:
        context = ssl.create_default_context(cadata=endpoint.ca_pem)
        if not endpoint.verify_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if credential and credential.client_cert_pem and credential.client_key_pem:
            _load_client_certificate(context, credential.client_cert_pem, credential.client_key_pem.get_secret_value())
    except (ssl.SSLError, ValueError) as fault:
        # The reason names no content: OpenSSL's texts speak of formats and of keys that do not match.
        reason = getattr(fault, "reason", None) or "no PEM certificate"
        raise TlsFailed(
            f"The CA or the client certificate of {endpoint.url} cannot be used: {reason}.",
            endpoint=endpoint.url,
            hint="Check the PEM texts, and that the key belongs to the certificate.",
        ) from None
    return context


def tls_failure(endpoint_url: str, detail: str) -> TlsFailed:
    """The failure that OpenSSL's text ``detail`` stands for, in words."""
    text = detail.lower()
    for mark, words, hint in _FAULTS:
        if mark in text:
            return TlsFailed(f"No TLS connection to {endpoint_url}: {words}.", endpoint=endpoint_url, hint=hint)
    return TlsFailed(f"No TLS connection to {endpoint_url}.", endpoint=endpoint_url)


def _load_client_certificate(context: ssl.SSLContext, certificate_pem: str, key_pem: str) -> None:
    """Python loads a key from files only: it lies in a private one while it is read, and nowhere afterwards."""
    with tempfile.TemporaryDirectory(prefix="fleetscope-") as folder:
        path = Path(folder, "client.pem")
        path.touch(mode=0o600)
        path.write_text(f"{certificate_pem}\n{key_pem}\n", encoding="ascii")
        context.load_cert_chain(path)
