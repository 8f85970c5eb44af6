"""Files that a document names: read within bounds, and only where they are plain files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

LARGEST_BYTES = 2**20


class UnreadableFile(Exception):
    """A named file cannot be read; the text says which and why."""


def read_named_file(directory: Path, name: str, largest_bytes: int = LARGEST_BYTES) -> bytes:
    """What a file holds.

    Args:
        directory: where the document lies that names it: relative names start there.
        name: the file's name as it stands in the document.
        largest_bytes: of the file.

    Raises:
        UnreadableFile: there is none, it is none (a device or a pipe could go on for ever), or it is too large.
    """
    try:
        descriptor = os.open(directory / name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) else "no name of a file"
        raise UnreadableFile(f"the file {name} cannot be read: {reason}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableFile(f"{name} is no plain file")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(largest_bytes + 1)
    finally:
        os.close(descriptor)
    if len(content) > largest_bytes:
        raise UnreadableFile(f"the file {name} is larger than {largest_bytes // 2**20} MiB")
    return content
