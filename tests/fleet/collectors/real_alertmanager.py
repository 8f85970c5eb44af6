"""A real Alertmanager as a child process."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployments.embedded.state import free_port

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
"""Debian's name or the project's; None where it is not installed."""


NOBODY = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@contextmanager
def running_alertmanager(home: Path, configuration: str = NOBODY) -> Iterator[str]:
    """Starts one in a new directory and gives its URL; alone, without a cluster."""
    assert PROGRAM is not None
    home.mkdir(parents=True)
    (home / "config.yml").write_text(configuration, encoding="utf-8")
    port = free_port()
    command = [PROGRAM, "--config.file=config.yml", "--storage.path=data", f"--web.listen-address=127.0.0.1:{port}"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--cluster.listen-address="], cwd=home, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Alertmanager did not start: {(home / 'log').read_text()[-2000:]}")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
