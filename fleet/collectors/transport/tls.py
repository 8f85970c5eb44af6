"""TLS as an endpoint's row asks for it, and TLS faults in words."""

from __future__ import annotations

import os
import ssl

from fleet.credentials import Credential
from fleet.errors import TlsFailed
from fleet.inventory.cluster import Endpoint

# X509_V_ERR_* of OpenSSL's x509_vfy.h.
_EXPIRED = 10
_NOT_YET_VALID = 9
_SELF_SIGNED = 18
# 19 is a chain whose own root came with it: its authority is as unknown as one that was left out.
_UNKNOWN_ISSUER = {2, 19, 20, 21}
_OTHER_NAME = {62, 64}

_REGISTER_CA = "Register the authority that signed it with the endpoint (ca_pem, --ca-file)."


def tls_context(endpoint: Endpoint, credential: Credential | None) -> ssl.SSLContext:
    """The context for an endpoint: its CA or the machine's, and the credential's client certificate.

    Raises:
        TlsFailed: the CA, the client certificate or its key is no PEM that OpenSSL accepts.
    """
    try:
        context = ssl.create_default_context(cadata=endpoint.ca_pem)
    except (ssl.SSLError, ValueError):
        raise TlsFailed(
            f"The CA registered for {endpoint.url} is no PEM certificate.",
            endpoint=endpoint.url,
            hint="It begins with -----BEGIN CERTIFICATE-----.",
        ) from None
    if not endpoint.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if credential is not None and credential.client_cert_pem and credential.client_key_pem:
        _load_client_certificate(context, endpoint, credential)
    return context


def _load_client_certificate(context: ssl.SSLContext, endpoint: Endpoint, credential: Credential) -> None:
    """The ssl module reads certificates from files only: this one lies in memory and never on a disk."""
    key = credential.client_key_pem.get_secret_value() if credential.client_key_pem else ""
    descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, f"{credential.client_cert_pem}\n{key}\n".encode())
        # An encrypted key would make OpenSSL ask the terminal.
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password="")
    except (ssl.SSLError, ValueError):
        raise TlsFailed(
            f"The client certificate stored for {endpoint.url} and its key are no matching, unencrypted PEM pair.",
            endpoint=endpoint.url,
        ) from None
    finally:
        os.close(descriptor)


def tls_fault(error: ssl.SSLError, endpoint: Endpoint, *, certified: bool) -> TlsFailed:
    """What was wrong with TLS, told apart for a reader who has to mend it.

    Args:
        error: OpenSSL's.
        endpoint: what was asked.
        certified: whether a client certificate was sent; servers that want one differ in how they say so.
    """
    words, hint = _words(error, certified)
    return TlsFailed(f"{endpoint.url}: {words}.", endpoint=endpoint.url, hint=hint)


def _words(error: ssl.SSLError, certified: bool) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_words(error)
    reason = (error.reason or "").upper()
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}:
        return "the server does not speak TLS on this port", "Is it http:// instead of https://?"
    about_certificate = "ALERT" in reason and ("CERTIFICATE" in reason or "CA" in reason.split("_"))
    if "CERTIFICATE_REQUIRED" in reason or (
        not certified and (about_certificate or reason == "SSLV3_ALERT_HANDSHAKE_FAILURE")
    ):
        return "the server asks for a client certificate", "Store a client certificate and its key for this cluster."
    if about_certificate:
        return "the server did not accept our client certificate", "Is it expired, or signed by another authority?"
    if "VERSION" in reason or "PROTOCOL" in reason:
        return "the server offers no TLS version from 1.2 on", "Update the server's TLS settings."
    return f"TLS failed ({reason.lower().replace('_', ' ') or 'connection closed in the handshake'})", ""


def _certificate_words(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    code = error.verify_code
    if code == _EXPIRED:
        return "the server's certificate has expired", "Renew it; if it is new, compare this machine's clock."
    if code == _NOT_YET_VALID:
        return "the server's certificate is not valid yet", "Compare this machine's clock."
    if code == _SELF_SIGNED:
        return "the server's certificate is self-signed, and not by an authority that is trusted here", _REGISTER_CA
    if code in _UNKNOWN_ISSUER:
        return "the server's certificate is signed by an authority that is not known here", _REGISTER_CA
    if code in _OTHER_NAME:
        return "the server's certificate is for another name", "Register the address under the certificate's name."
    return f"the server's certificate was not accepted ({error.verify_message})", _REGISTER_CA
