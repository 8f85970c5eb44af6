"""One shard under way: a child of the flow run that starts it, in a process that dies with that run's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import IO, Any
from uuid import UUID

from prefect import Flow, Task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.settings import get_current_settings
from prefect.states import Crashed, Pending, State

from flows import run_process
from flows.outcome import FleetOutcome

OUTCOME_FILE = "FLEETSCOPE_SHARD_OUTCOME_FILE"
"""Environment variable: the file descriptor into which a shard writes its outcome."""
_UNDER_WAY = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
_PARENT_ENDED = "The run of which this is a shard ended before it."


@dataclass(frozen=True)
class ShardRun:
    """A shard's flow run and process.

    Attributes:
        run_id: of the flow run.
        names: names of its clusters by id.
        told: what it hands in; a file without a name, so that nothing is left of it however all of this ends.
    """

    run_id: UUID
    names: dict[str, str]
    told: IO[bytes]
    process: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls, flow: Flow[..., Any], parent_id: str, name: str, names: dict[str, str], same: dict[str, Any]
    ) -> ShardRun:
        """Create the flow run below its parent and start its process.

        Args:
            flow: a module's flow that takes ``cluster_ids`` and hands in its outcome.
            parent_id: the flow run of which it is a shard.
            name: the flow run's name.
            names: names of its clusters by id.
            same: the flow's other parameters.
        """
        with get_client(sync_client=True) as client:
            run = _create_run(client, flow, UUID(parent_id), name, {"cluster_ids": list(names), **same})
        # Closed by outcome() or stop(): the process writes into it.
        told = tempfile.TemporaryFile()  # noqa: SIM115
        child = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", run_process.__name__],
            env=_environment(flow, run.id, told),
            stdin=subprocess.DEVNULL,
            # Standard output belongs to the command's results.
            stdout=sys.__stderr__,
            pass_fds=[told.fileno()],
            # Ctrl-C reaches the parent alone, which ends its shards.
            process_group=0,
        )
        return cls(run.id, names, told, child)

    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self.process.poll() is not None

    def outcome(self) -> FleetOutcome:
        """What it handed in; all its clusters are gaps when it ended before that."""
        with self.told as told:
            told.seek(0)
            text = told.read()
        state = self._final_state()
        if text:
            return FleetOutcome.model_validate_json(text)
        return FleetOutcome.unseen(self.names, f"the shard of this cluster ended early: {state.message or state.name}")

    def stop(self) -> None:
        """End the process at once: what it stored is there for the next run."""
        self.process.kill()
        self.process.wait()
        self.told.close()
        with get_client(sync_client=True) as client:
            _close(client, client.read_flow_run(self.run_id), _PARENT_ENDED)

    def _final_state(self) -> State[Any]:
        with get_client(sync_client=True) as client:
            run = client.read_flow_run(self.run_id)
            return _close(client, run, f"Its process {_end_of(self.process.returncode)}.")


def close_shards(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """A flow's hook for when it was killed: its shards died with it, and nobody else tells Prefect so."""
    query = FlowRunFilter.model_validate(
        {"parent_flow_run_id": {"any_": [flow_run.id]}, "state": {"type": {"any_": _UNDER_WAY}}}
    )
    with get_client(sync_client=True) as client:
        for shard in client.read_flow_runs(flow_run_filter=query):
            _close(client, shard, _PARENT_ENDED)


def _create_run(
    client: SyncPrefectClient, flow: Flow[..., Any], parent_id: UUID, name: str, parameters: dict[str, Any]
) -> FlowRun:
    # As Prefect itself does for subflows: a task run of the parent stands for the child and follows its state.
    tracking = client.create_task_run(
        task=Task(fn=flow.fn, name=flow.name),
        flow_run_id=parent_id,
        # A parent that runs again has new shards.
        dynamic_key=f"{flow.name}, {name}, attempt {client.read_flow_run(parent_id).run_count}",
        name=name,
        state=Pending(),
    )
    return client.create_flow_run(
        flow=flow, name=name, parameters=flow.serialize_parameters(parameters), parent_task_run_id=tracking.id
    )


def _close(client: SyncPrefectClient, run: FlowRun, why: str) -> State[Any]:
    if run.state is not None and run.state.is_final():
        return run.state
    state: State[Any] = Crashed(message=why)
    client.set_flow_run_state(run.id, state, force=True)
    return state


def _environment(flow: Flow[..., Any], run_id: UUID, told: IO[bytes]) -> dict[str, str]:
    # What Prefect's worker told this process alone (its run's id, how to reach it) is not for others.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT__")}
    return {
        **get_current_settings().to_environment_variables(exclude_unset=True),
        **inherited,
        "PREFECT__FLOW_RUN_ID": str(run_id),
        "PREFECT__FLOW_ENTRYPOINT": f"{flow.fn.__module__}.{flow.fn.__name__}",
        run_process.PARENT_PID: str(os.getpid()),
        OUTCOME_FILE: str(told.fileno()),
    }


def _end_of(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with status {code}"
