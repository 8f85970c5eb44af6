"""Running a flow in this process, with a progress bar a stage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from interfaces.cli.terminal import err

if TYPE_CHECKING:
    from prefect import Flow

    from flows.progress import Step


@dataclass(frozen=True)
class Run:
    """How a flow run ended: its id, its state's name (``Completed``, ``CompletedWithGaps`` …), message and result."""

    id: str
    state: str
    message: str
    completed: bool
    result: Any = None


def run_flow(flow: Flow[..., Any], **parameters: Any) -> Run:
    """Run a flow here and wait for its end.

    Raises:
        UsageError: a parameter does not hold what it must.
        FleetscopeError: the flow failed with one; another failure of the flow is raised as it is.
    """
    from prefect.exceptions import ParameterTypeError

    from fleet.errors import UsageError
    from flows.garbage import collect_seldom
    from flows.progress import watched_by

    collect_seldom()
    with _bars() as show, watched_by(show):
        state = flow(**parameters, return_state=True)
    if state.is_failed() or state.is_crashed():
        failure = state.result(raise_on_failure=False)
        if isinstance(failure, ParameterTypeError):
            # A heading, then a line for each parameter.
            _, *wrong = str(failure).splitlines()
            raise UsageError("; ".join(line.strip(" -") for line in wrong) + ".") from None
        if isinstance(failure, Exception) and failure.__class__.__name__ not in {"FailedRun", "CrashedRun"}:
            raise failure
    return Run(
        id=str(state.state_details.flow_run_id),
        state=str(state.name),
        message=state.message or "",
        completed=state.is_completed(),
        result=state.result(raise_on_failure=False) if state.is_completed() else None,
    )


@contextmanager
def chosen_runner(name: str) -> Iterator[None]:
    """Flows that run inside this block, and their shards, take this runner; "" leaves the setting as it is.

    Raises:
        typer.BadParameter: there is no such runner.
    """
    from pydantic import TypeAdapter, ValidationError

    from deployments.settings import RunnerName, variable

    try:
        TypeAdapter(RunnerName).validate_python(name or "threads")
    except ValidationError:
        raise typer.BadParameter(
            f"{name!r} is no runner: threads, processes, dask, or a Dask scheduler such as tcp://host:8786"
        ) from None
    runner = variable("runner")
    before = os.environ.get(runner)
    if name:
        os.environ[runner] = name
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(runner, None)
        else:
            os.environ[runner] = before


@contextmanager
def _bars() -> Iterator[Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err(), transient=False) as progress:
        bars: dict[str, Any] = {}

        def show(step: Step) -> None:
            if step.stage not in bars:
                bars[step.stage] = progress.add_task(step.stage.value, total=step.total)
            progress.update(bars[step.stage], completed=step.done)

        yield show
