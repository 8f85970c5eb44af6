"""How far a run is: a progress artifact in Prefect's UI, and whoever watches in the same process (the command line)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from tasks.outcome import Stage

_OF_WHAT = {Stage.SHARDS: "", Stage.SIGNALS: " sources"}


@dataclass(frozen=True)
class Step:
    """``done`` of ``total`` clusters are through this stage of the flow (of SIGNALS sources, of SHARDS shards)."""

    stage: Stage
    done: int
    total: int


Watcher = Callable[[Step], None]
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Tell ``watcher`` of every step of the flows that run inside this block in this thread."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


class Progress:
    """Progress of one flow run over its stages; its artifact is made with the first stage."""

    def __init__(self, stages: list[Stage]) -> None:
        self._stages = stages
        self._artifact: UUID | None = None
        self._shown = -1.0

    def advance(self, stage: Stage, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are through ``stage``, as in ``Step``."""
        if watcher := _watcher.get():
            watcher(Step(stage, done, total))
        percent = 100.0 * (self._stages.index(stage) + done / max(total, 1)) / len(self._stages)
        # Each update is a request to the server: a fleet of hundreds must not make hundreds of them.
        if percent - self._shown >= 4 or done == total:
            self._show(percent, f"{stage.value}: {done} of {total}{_OF_WHAT.get(stage, ' clusters')}")
            self._shown = percent

    def _show(self, percent: float, description: str) -> None:
        if self._artifact is None:
            self._artifact = create_progress_artifact(percent, key="progress", description=description)
        else:
            update_progress_artifact(self._artifact, percent, description=description)
