"""Flow runs whose process died with its worker are told so, which also frees their deployment's slot.

One worker takes all runs of the work pool, and its flow-run processes die with it, and their shards' with them: when
it is not there, no run of the pool and no shard of one can be under way, whatever its state says.
"""

from __future__ import annotations

from typing import Any

import httpx

from deployments.addresses import PrefectAddress
from deployments.embedded.worker import WORK_POOL

_PAGE = 200
_REQUEST_SECONDS = 10.0
_GOES_ON = "A new run continues from what is stored."
WORKER_DIED = f"The worker that ran this flow died, and the flow's process with it. {_GOES_ON}"
WORKER_STOPPED = f"The worker was stopped while it ran this flow. {_GOES_ON}"


def close_unfinished_runs(prefect: PrefectAddress, message: str) -> int:
    """Set runs of the pool and their shards that claim to be under way to Crashed (or to Cancelled, if so asked).

    Args:
        message: why, for the runs' page.

    Returns:
        How many there were.

    Raises:
        httpx.HTTPError: the Prefect server does not answer, or refuses.
    """
    user, _, password = prefect.auth.partition(":")
    auth = (user, password) if prefect.auth else None
    closed: set[str] = set()
    with httpx.Client(base_url=prefect.api_url, auth=auth, timeout=_REQUEST_SECONDS) as client:
        # A run that is shown again although it was closed would be shown for ever.
        while runs := [run for run in _of_the_pool(client) if run["id"] not in closed]:
            ids = [run["id"] for run in runs]
            for run in [*_shards_of(client, ids), *runs]:
                _close(client, run, message)
                closed.add(run["id"])
    return len(closed)


def _of_the_pool(client: httpx.Client) -> list[dict[str, Any]]:
    return _unfinished(client, {}, {"work_pools": {"name": {"any_": [WORK_POOL]}}})


def _shards_of(client: httpx.Client, run_ids: list[str]) -> list[dict[str, Any]]:
    return _unfinished(client, {"parent_flow_run_id": {"any_": run_ids}}, {})


def _unfinished(client: httpx.Client, which: dict[str, Any], where: dict[str, Any]) -> list[dict[str, Any]]:
    under_way = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}
    response = client.post("/flow_runs/filter", json={"flow_runs": under_way | which, **where, "limit": _PAGE})
    response.raise_for_status()
    runs: list[dict[str, Any]] = response.json()
    return runs


def _close(client: httpx.Client, run: dict[str, Any], message: str) -> None:
    kind = "CANCELLED" if run["state_type"] == "CANCELLING" else "CRASHED"
    state = {"type": kind, "name": kind.capitalize(), "message": message}
    client.post(f"/flow_runs/{run['id']}/set_state", json={"state": state, "force": True}).raise_for_status()
