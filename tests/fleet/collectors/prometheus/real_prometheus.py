"""A real Prometheus as a child process, with backfilled samples; used by tests and benchmarks."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from deployments.embedded.state import free_port

PASSWORD = "correct-horse"
_BCRYPT = "$2b$04$abcdefghijklmnopqrstuuPoaPXzWjiVz4HaNq2LJXksWbO79E.S6"
"""Of PASSWORD, at the lowest cost."""

INSTALLED = shutil.which("prometheus") is not None and shutil.which("promtool") is not None


def backfill(
    data: Path, metrics: Iterable[tuple[str, str, Iterable[tuple[dict[str, str], Iterable[tuple[float, str]]]]]]
) -> None:
    """Write samples into a new data directory.

    Args:
        data: the directory.
        metrics: name, OpenMetrics type, and series as labels and (Unix seconds, value).
    """
    text = data.parent / f"{data.name}.openmetrics"
    with text.open("w") as file:
        for name, kind, series in metrics:
            file.write(f"# TYPE {name.removesuffix('_total')} {kind}\n")
            for labels, samples in series:
                inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
                file.writelines(f"{name}{{{inside}}} {value} {at}\n" for at, value in samples)
        file.write("# EOF\n")
    # The file is read once for every block: with blocks of two hours, the default, weeks of samples take minutes.
    command = [
        "promtool",
        "tsdb",
        "create-blocks-from",
        "--max-block-duration=500h",
        "openmetrics",
        str(text),
        str(data),
    ]
    subprocess.run(command, check=True, capture_output=True)
    text.unlink()


class RealPrometheus:
    """A Prometheus over TLS with the user ``scan`` (password PASSWORD), or plain when there is no certificate.

    Args:
        home: a new directory for its files; ``data`` in it may hold backfilled blocks.
        certificate: PEM of the server's certificate and key.
        client_authority: PEM of the authority whose clients alone are let in (mTLS).
        basic_auth: whether user and password are asked for.
        flags: further command line flags.
        configuration: of what it scrapes and evaluates.
    """

    def __init__(
        self,
        home: Path,
        *,
        certificate: tuple[str, str] | None = None,
        client_authority: str | None = None,
        basic_auth: bool = False,
        flags: tuple[str, ...] = (),
        configuration: str = "global: {scrape_interval: 1s}\n",
    ) -> None:
        self._home = home
        self._tls = certificate is not None
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"
        home.mkdir(parents=True, exist_ok=True)
        (home / "prometheus.yml").write_text(configuration)
        web = ""
        if certificate is not None:
            (home / "server.pem").write_text(certificate[0])
            (home / "server.key").write_text(certificate[1])
            web += "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
        if client_authority is not None:
            (home / "clients.pem").write_text(client_authority)
            web += "  client_ca_file: clients.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
        if basic_auth:
            web += f"basic_auth_users:\n  scan: {_BCRYPT}\n"
        (home / "web.yml").write_text(web or "{}\n")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it listens and has loaded its blocks."""
        log = (self._home / "log").open("ab")
        self._process = subprocess.Popen(
            [
                "prometheus",
                "--config.file=prometheus.yml",
                "--web.config.file=web.yml",
                "--storage.tsdb.path=data",
                "--storage.tsdb.retention.time=100y",
                f"--web.listen-address=127.0.0.1:{self.port}",
                *self._flags,
            ],
            cwd=self._home,
            stdout=log,
            stderr=log,
        )
        log.close()
        deadline = time.monotonic() + 60
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Prometheus did not start: {(self._home / 'log').read_text()[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it; nothing when it does not run."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _ready(self) -> bool:
        """Prometheus says so in its log: its port opens earlier, and may ask for a client certificate."""
        return (
            "Server is ready to receive web requests"
            in (self._home / "log").read_text().rpartition("Starting Prometheus")[2]
        )
