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
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as failure:
        raise StoreError(f"The secret file {file} cannot be read: {type(failure).__name__}.") from None
    if not text:
        raise StoreError(f"The secret file {file} is empty.")
    return SecretStr(text)
