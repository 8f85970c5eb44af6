"""The ``Authorization`` header of an endpoint's requests, and its one renewal after a 401."""

from __future__ import annotations

import base64
import re
import threading

from fleet.credentials import Credential, CredentialSource
from fleet.errors import Unauthorized
from fleet.inventory.cluster import Endpoint

_TOKEN = re.compile(r"[\x21-\x7e]+")
_UNMISTAKABLE_BYTES = 12


class Authorization:
    """The credential in use; threads share it, and of several that meet a 401 at once one fetches the new one."""

    def __init__(self, endpoint: Endpoint, source: CredentialSource | None) -> None:
        self._endpoint = endpoint
        self._source = source
        self._lock = threading.Lock()
        self._refreshed = False
        self.credential = source.credential() if source else None
        self.header = self._header()

    @property
    def certified(self) -> bool:
        """Whether a client certificate is sent."""
        return self.credential is not None and self.credential.client_cert_pem is not None

    def renew(self, refused_header: bytes | None) -> bool:
        """Whether there is another header to try than the refused one; asks the source once in a lifetime."""
        with self._lock:
            if self._source is not None and not self._refreshed and self.header == refused_header:
                self._refreshed = True
                self.credential = self._source.credential(refresh=True)
                self.header = self._header()
            return self.header != refused_header

    def hide(self, text: str) -> str:
        """The text without the secrets in use, should a server echo them."""
        credential = self.credential
        secrets = [] if credential is None else [credential.token, credential.password]
        for secret in secrets:
            if secret is not None and secret.get_secret_value():
                text = text.replace(secret.get_secret_value(), "***")
        if self.header is not None:
            text = text.replace(self.header.decode().partition(" ")[2], "***")
        return text

    def hide_in(self, body: bytearray) -> None:
        """Strikes the secrets in use out of an answer, should a server echo them in what it warns or tells of.

        Short passwords stay: they stand in sound answers, too, which must not change.
        """
        for secret in self._echoes():
            if len(secret) >= _UNMISTAKABLE_BYTES and secret in body:
                body[:] = body.replace(secret, b"***")

    def _echoes(self) -> list[bytes]:
        """What a server was sent, or can make of it."""
        credential = self.credential
        if self.header is None or credential is None:
            return []
        password = credential.password.get_secret_value().encode() if credential.password is not None else b""
        return [self.header.partition(b" ")[2], password]

    def _header(self) -> bytes | None:
        credential = self.credential
        if credential is None:
            return None
        if credential.token is not None:
            return b"Bearer " + self._checked(credential.token.get_secret_value().strip())
        return _basic(credential)

    def _checked(self, token: str) -> bytes:
        """A token with a line break would be quoted in the HTTP library's exception: refused before that."""
        if not _TOKEN.fullmatch(token):
            raise Unauthorized(
                f"The token stored for {self._endpoint.url} is empty or has characters that no header carries.",
                endpoint=self._endpoint.url,
                hint="Store it again.",
            )
        return token.encode("ascii")


def _basic(credential: Credential) -> bytes | None:
    if credential.username is None or credential.password is None:
        return None
    pair = f"{credential.username}:{credential.password.get_secret_value()}"
    return b"Basic " + base64.b64encode(pair.encode("utf-8"))
