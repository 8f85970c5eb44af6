"""What an operator's program asks of Prefect's API, and what runs leave there."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx

from tests.e2e.installation import ENOUGH_SECONDS, Installation


def ask(house: Installation, deployment: str, **parameters: object) -> httpx.Response:
    """The one call that starts a run of a deployment."""
    with house.prefect() as api:
        deployment_id = api.deployment(deployment)["id"]
    user, _, password = house.addresses.prefect.auth.partition(":")
    return httpx.post(
        f"{house.addresses.prefect.api_url}/deployments/{deployment_id}/create_flow_run",
        json={"parameters": parameters},
        auth=(user, password),
        timeout=20,
    )


def start(house: Installation, deployment: str, **parameters: object) -> str:
    """Start a run; returns its id."""
    answer = ask(house, deployment, **parameters)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def end_of(house: Installation, run_id: str, *types: str) -> dict[str, Any]:
    """The state of a run once it is over (or of one of these types)."""
    with house.prefect() as api:
        return api.wait_for(run_id, *types, seconds=ENOUGH_SECONDS)


def run_of(house: Installation, run_id: str) -> dict[str, Any]:
    with house.prefect() as api:
        run: dict[str, Any] = api.call("GET", f"/flow_runs/{run_id}")
    return run


def artifacts_of(house: Installation, run_id: str) -> dict[str, Any]:
    """The content of a run's artifacts by key; tables as lists of rows."""
    with house.prefect() as api:
        found = api.call("POST", "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run_id]}}})
    return {
        artifact["key"]: json.loads(artifact["data"]) if artifact["type"] == "table" else artifact["data"]
        for artifact in found
    }


def runs_of(house: Installation, deployment_id: str) -> list[dict[str, Any]]:
    """The runs of a deployment, in the order in which they were planned."""
    with house.prefect() as api:
        runs: list[dict[str, Any]] = api.call(
            "POST",
            "/flow_runs/filter",
            {"deployments": {"id": {"any_": [deployment_id]}}, "sort": "EXPECTED_START_TIME_ASC", "limit": 200},
        )
    return runs


def wait_until_all_ended(house: Installation, deployment_id: str) -> None:
    """Wait until a deployment has no run under way."""
    deadline = time.monotonic() + ENOUGH_SECONDS
    while any(run["state_type"] in {"PENDING", "RUNNING", "CANCELLING"} for run in runs_of(house, deployment_id)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
