"""Flow runs whose process died with its worker are told so, which also frees their deployment's slot.

One worker takes all runs of the work pool, and its flow-run processes die with it: when it is not there, no run of
the pool can be under way, whatever its state says.
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
    """Set runs of the pool that claim to be under way to Crashed (to Cancelled, where that was asked for).

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
        while runs := [run for run in _unfinished(client) if run["id"] not in closed]:
            for run in runs:
                _close(client, run, message)
                closed.add(run["id"])
    return len(closed)


def _unfinished(client: httpx.Client) -> list[dict[str, Any]]:
    response = client.post(
        "/flow_runs/filter",
        json={
            "flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}},
            "work_pools": {"name": {"any_": [WORK_POOL]}},
            "limit": _PAGE,
        },
    )
    response.raise_for_status()
    runs: list[dict[str, Any]] = response.json()
    return runs


def _close(client: httpx.Client, run: dict[str, Any], message: str) -> None:
    kind = "CANCELLED" if run["state_type"] == "CANCELLING" else "CRASHED"
    state = {"type": kind, "name": kind.capitalize(), "message": message}
    client.post(f"/flow_runs/{run['id']}/set_state", json={"state": state, "force": True}).raise_for_status()
