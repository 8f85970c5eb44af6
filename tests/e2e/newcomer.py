"""Somebody who has just installed it: an empty directory, a state directory of their own, nothing configured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from deployments.embedded.state import free_port
from deployments.settings import Settings, load_settings

PROGRAM = Path(sys.executable).with_name("fleetscope")
PATIENCE_SECONDS = 280


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str
    seconds: float


class Newcomer:
    """Runs the command as a process of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.settings: Settings = load_settings(
            state_dir=directory / "state",
            # Prefect's usual port may be somebody's.
            prefect_port=free_port(),
            deployments_module="deployments.catalogue",
        )

    def start(self, *words: object, err: IO[str] | int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start a command; its standard output is a pipe."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLEETSCOPE_", "PREFECT_"))}
        return subprocess.Popen(
            [str(PROGRAM), *map(str, words)],
            cwd=self.directory,
            env={**kept, **self.settings.environment(), "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        )

    def run(self, *words: object) -> Ended:
        """Run a command to its end."""
        began = time.monotonic()
        with self.start(*words) as process:
            try:
                out, err = process.communicate(timeout=PATIENCE_SECONDS)
            except BaseException:
                process.kill()
                raise
        return Ended(process.returncode, out, err, time.monotonic() - began)

    def processes(self) -> list[str]:
        """Commands of all processes that work on the state directory."""
        state = str(self.settings.state_dir)
        found = []
        for process in psutil.process_iter():
            try:
                words = [*process.cmdline(), process.environ().get("FLEETSCOPE_STATE_DIR", "")]
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            if process.pid != os.getpid() and any(state in word for word in words):
                found.append(" ".join(words))
        return found
