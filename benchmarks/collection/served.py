"""A simulated fleet in a process of its own, so that what it costs is nobody else's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml


@dataclass(frozen=True)
class ServedCluster:
    """A simulated cluster: its entry in the registration, and the end of its newest data (RFC 3339)."""

    entry: dict[str, Any]
    anchor: str

    def arguments(self, kind: str) -> list[str]:
        """URL, file of the authority, file of the token and anchor, for a process that measures."""
        token_file = Path(self.entry["credential"]["token_file"])
        return [self.entry["endpoints"][kind]["url"], str(token_file.parent / "ca.pem"), str(token_file), self.anchor]


@contextmanager
def served_cluster(*options: str) -> Iterator[ServedCluster]:
    """One simulated cluster without faults.

    Args:
        options: further options of ``python -m simulator``.
    """
    with TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "simulator", "--clusters", "1", "--faults", "none", "--directory", directory]
        with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                # The line that it writes once it serves.
                ready = json.loads(process.stdout.readline())
                registration = yaml.safe_load(Path(ready["registration"]).read_text(encoding="utf-8"))
                yield ServedCluster(registration["clusters"][0], ready["anchor"])
            finally:
                process.terminate()


def in_process(module: str, *arguments: str) -> dict[str, Any]:
    """What ``python -m module arguments`` prints as JSON; nothing of one measurement is left for the next."""
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    command = [sys.executable, "-m", module, *arguments]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    figures: dict[str, Any] = json.loads(output)
    return figures
