"""Values sealed with AES-256-GCM before somebody else keeps them, and the keyring that seals and opens them."""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fleet.errors import StoreError

_FORM = "fleetscope:1"
_KEY_BYTES = 32
# 96 random bits: what GCM is made for. A key may seal 2^32 values before they are likely to repeat.
_NONCE_BYTES = 12
_KEY_ID = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_SEALED = re.compile(rf"{_FORM}:(?P<key>[A-Za-z0-9._-]+):(?P<cluster>[0-9a-f]+):(?P<bytes>[A-Za-z0-9+/=]+)")
# Kubernetes mounts a Secret for a pod's group; nobody else may read the keys, and nobody but their owner write them.
_FORBIDDEN_MODE = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP

_REGISTER_AGAIN = "Register the cluster again with its token or password file."


@dataclass(frozen=True)
class Keyring:
    """Keys by id. The first one seals, all of them open, so that keys can be replaced one after the other."""

    file: Path
    keys: dict[str, bytes] = field(repr=False)

    @property
    def sealing_key(self) -> str:
        """The id of the key that seals."""
        return next(iter(self.keys))

    def seal(self, value: str, cluster_id: str, name: str) -> bytes:
        """A value that only this keyring opens, and only as this field of this cluster."""
        key, nonce = self.sealing_key, os.urandom(_NONCE_BYTES)
        sealed = nonce + AESGCM(self.keys[key]).encrypt(nonce, value.encode(), _bound(key, cluster_id, name))
        return f"{_FORM}:{key}:{cluster_id}:{base64.b64encode(sealed).decode()}".encode()

    def open(self, sealed: bytes, cluster_id: str, name: str, place: str) -> str:
        """The value that was sealed.

        Args:
            sealed: what ``seal`` gave.
            cluster_id: of the cluster that it is kept for.
            name: of the field that it is kept as.
            place: where it is kept, for messages.

        Raises:
            StoreError: it is not sealed, for another cluster, by a key that is not here, or was changed.
        """
        what = f"The value {name} of {place}"
        key, sealed_for, content = _parts(sealed, what)
        if sealed_for != cluster_id:
            raise StoreError(
                f"{what} was sealed for another cluster, whose id is {sealed_for}: it was copied from there.",
                hint=_REGISTER_AGAIN,
            )
        if key not in self.keys:
            raise StoreError(
                f"{what} is sealed by the key {key}, which is not in the keyring {self.file}.",
                hint="Put that key back, on any line but the first. " + _REGISTER_AGAIN,
            )
        try:
            return (
                AESGCM(self.keys[key])
                .decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], _bound(key, cluster_id, name))
                .decode()
            )
        except (InvalidTag, ValueError):
            pass
        raise StoreError(
            f"{what} was changed after it was sealed, or the key {key} in {self.file} is another one than it was.",
            hint=_REGISTER_AGAIN,
        )


def key_of(sealed: bytes) -> str:
    """The id of the key that a value is sealed by; empty for one that is not sealed."""
    match = _SEALED.fullmatch(sealed.decode("ascii", "replace"))
    return match["key"] if match else ""


def read_keyring(file: Path) -> Keyring:
    """The keyring of a file: a line a key, its id and 32 bytes as base64; ``#`` begins a comment.

    Raises:
        StoreError: the file cannot be read, others may read it, or a line of it is wrong; no key is in the message.
    """
    mode, text = _content(file)
    if mode & _FORBIDDEN_MODE:
        raise StoreError(
            f"The keyring {file} has the mode {stat.S_IMODE(mode):04o}: more than its owner and group may use it.",
            hint=f"Run: chmod 600 {file}",
        )
    keys: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if words:
            key_id, key = _key(words, f"The keyring {file}, line {number}")
            if key_id in keys:
                raise StoreError(f"The keyring {file}, line {number}: the key {key_id} is there twice.")
            keys[key_id] = key
    if not keys:
        raise StoreError(
            f"The keyring {file} holds no key.",
            hint=f'Run: (umask 077; echo "$(date +%F) $(openssl rand -base64 {_KEY_BYTES})" > {file})',
        )
    return Keyring(file, keys)


def _content(file: Path) -> tuple[int, str]:
    """The mode and the text of a keyring's file."""
    try:
        return file.stat().st_mode, file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as failure:
        reason = type(failure).__name__
    # Outside the handler: a decoding error holds what could not be decoded.
    raise StoreError(f"The keyring {file} cannot be read: {reason}.")


def _key(words: list[str], place: str) -> tuple[str, bytes]:
    if len(words) != 2 or not _KEY_ID.fullmatch(words[0]):
        raise StoreError(f"{place} is not a key's id (letters, digits, '.', '_', '-') and the key.")
    try:
        key = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise StoreError(f"{place}: the key {words[0]} is not {_KEY_BYTES} bytes as base64.")
    return words[0], key


def _bound(key: str, cluster_id: str, name: str) -> bytes:
    """What is authenticated beside the value: none of the parts can hold the colon."""
    return f"{_FORM}:{key}:{cluster_id}:{name}".encode()


def _parts(sealed: bytes, what: str) -> tuple[str, str, bytes]:
    match = _SEALED.fullmatch(sealed.decode("ascii", "replace"))
    if match is None:
        raise StoreError(
            f"{what} is not sealed as fleetscope does it: somebody else wrote or changed it.", hint=_REGISTER_AGAIN
        )
    try:
        return match["key"], match["cluster"], base64.b64decode(match["bytes"], validate=True)
    except binascii.Error:
        return match["key"], match["cluster"], b""
