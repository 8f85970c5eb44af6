"""The state directory: where data, secrets, logs, ports and process records of one stack lie.

Everything below it is readable by its owner only. Files are written under another name and renamed, so that a
killed writer leaves either the old content or the new one.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from deployments.embedded.process import ProcessRecord
from fleet.errors import StackError

# Below Linux' range for outgoing connections (32768 and up), so that nobody's client takes a remembered port.
_FIRST_PORT, _LAST_PORT = 18000, 32000
_ATTEMPTS = 200


class StateDirectory:
    """One stack's directory. Creates it (mode 0700) when it is not there.

    Raises:
        StackError: the directory cannot be created or written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        try:
            for directory in (self.root, self.secrets, self.logs, self.processes):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                directory.chmod(0o700)
        except OSError as error:
            raise StackError(
                f"The state directory {self.root} cannot be used: {error.strerror}.",
                hint="Set FLEETSCOPE_STATE_DIR to a directory that you may write.",
            ) from error

    @property
    def secrets(self) -> Path:
        """Generated secrets, one a file, mode 0600."""
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        """One log file a part."""
        return self.root / "logs"

    @property
    def processes(self) -> Path:
        """Which process is which part."""
        return self.root / "processes"

    def log_file(self, part: str) -> Path:
        """The log file of a part."""
        return self.logs / f"{part}.log"

    def write_private(self, path: Path, content: str) -> Path:
        """Write a file of mode 0600 at once, whatever the umask says; replaces what was there."""
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        return path

    def secret_file(self, name: str, generate: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> Path:
        """The file of a secret, which is generated when it is asked for the first time."""
        path = self.secrets / name
        if not path.exists():
            self.write_private(path, generate())
        return path

    def secret(self, name: str) -> str:
        """The value of a generated secret."""
        return self.secret_file(name).read_text(encoding="utf-8")

    def ports(self, wanted: dict[str, int | None], usual: dict[str, int] | None = None) -> dict[str, int]:
        """Ports by name: the given one, or the one of the first start, or a free one that is remembered from now on.

        ``usual`` names ports to prefer at the first start where they are free.
        """
        path = self.root / "ports.json"
        known: dict[str, int] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        chosen = dict(known)
        for name, port in wanted.items():
            if port is not None:
                chosen[name] = port
            elif name not in chosen:
                preferred = (usual or {}).get(name, 0)
                is_usual_free = preferred and port_is_free(preferred)
                chosen[name] = preferred if is_usual_free else free_port(taken=set(chosen.values()))
        if chosen != known:
            self.write_private(path, json.dumps(chosen, indent=1))
        return {name: chosen[name] for name in wanted}

    def process(self, part: str) -> ProcessRecord | None:
        """The living process that is recorded for a part, or None."""
        path = self.processes / f"{part}.json"
        try:
            record = ProcessRecord(**json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return record if record.is_alive() else None

    def remember_process(self, part: str, pid: int) -> None:
        """Record that a process is a part."""
        self.write_private(self.processes / f"{part}.json", json.dumps(ProcessRecord.of(pid).as_dict()))

    def forget_process(self, part: str) -> None:
        """Remove a part's record."""
        (self.processes / f"{part}.json").unlink(missing_ok=True)

    def read_document(self, name: str) -> dict[str, Any] | None:
        """A JSON document of the stack, or None when it is not there."""
        try:
            document: dict[str, Any] = json.loads((self.root / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return document

    def write_document(self, name: str, document: dict[str, Any]) -> None:
        """Write a JSON document of the stack."""
        self.write_private(self.root / name, json.dumps(document, indent=1))

    def lock(self, name: str = "lock") -> int | None:
        """Take the directory's lock: a descriptor that holds it until it is closed, or None when another has it."""
        descriptor = os.open(self.root / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(taken: Collection[int] = ()) -> int:
    """A port of the loopback on which nothing listens, outside of those that systems hand out by themselves.

    So nobody gets it by chance while its server is being restarted. Raises ``StackError`` where none is found.
    """
    for _ in range(_ATTEMPTS):
        port = _FIRST_PORT + secrets.randbelow(_LAST_PORT - _FIRST_PORT)
        if port not in taken and port_is_free(port):
            return port
    raise StackError(f"No free port between {_FIRST_PORT} and {_LAST_PORT} was found on 127.0.0.1.")
