"""Secrets that stand in files which only their owner reads."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from fleet.errors import StoreError


def read_secret(file: Path) -> SecretStr:
    """The secret in a file, without the white space around it.

    Raises:
        StoreError: the file cannot be read, or is empty.
    """
    text, reason = "", "is empty"
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as failure:
        reason = f"cannot be read: {type(failure).__name__}"
    if not text:
        # Outside the handler: a decoding error holds what could not be decoded.
        raise StoreError(f"The secret file {file} {reason}.")
    return SecretStr(text)
