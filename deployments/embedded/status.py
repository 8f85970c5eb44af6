"""How a stack is, read from its state directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployments.embedded.state import StateDirectory
from deployments.embedded.supervisor import DOCUMENT, SUPERVISOR
from deployments.settings import Settings


@dataclass(frozen=True)
class StackStatus:
    """How a stack is. ``phase`` is ``starting``, ``running``, ``stopping``, ``stopped``, ``failed`` or ``died``."""

    state_directory: str
    phase: str
    pid: int | None
    lasting: bool
    error: str
    parts: list[dict[str, Any]]

    @property
    def is_running(self) -> bool:
        """Whether the stack runs and each of its parts serves."""
        return self.phase == "running" and all(part["status"] in ("up", "external") for part in self.parts)


def stack_status(settings: Settings) -> StackStatus:
    """How the stack is; changes nothing and asks no server."""
    root = settings.state_dir.expanduser().absolute()
    external = _external_parts(settings)
    state = StateDirectory(root) if root.exists() else None
    document = state.read_document(DOCUMENT) if state is not None else None
    if state is None or document is None:
        return StackStatus(str(root), "stopped", None, lasting=False, error="", parts=external)
    supervisor = state.process(SUPERVISOR)
    is_alive = supervisor is not None and supervisor.pid == document["pid"]
    phase, parts = document["phase"], document["parts"]
    if not is_alive and phase in ("starting", "running", "stopping"):
        phase = "died"
        for part in parts:
            record = state.process(part["name"])
            part |= {"status": "stopped", "pid": None} if record is None else {"status": "leftover", "pid": record.pid}
    return StackStatus(
        state_directory=str(root),
        phase=phase,
        pid=document["pid"] if is_alive else None,
        lasting=document["lasting"],
        error=document["error"],
        parts=parts + external,
    )


def _external_parts(settings: Settings) -> list[dict[str, Any]]:
    credentials = settings.credentials()
    replaced = {
        "postgres": settings.postgres_dsn,
        "s3": settings.s3_endpoint,
        "openbao": credentials.place if credentials else None,
        "prefect": settings.prefect_api_url,
    }
    empty = {"pid": None, "version": "", "log": "", "start_seconds": None, "restarts": 0, "error": ""}
    return [
        {"name": name, "status": "external", "address": address, **empty}
        for name, address in replaced.items()
        if address
    ]
