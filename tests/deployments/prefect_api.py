"""A small client of Prefect's REST API, which is what a user's own program would be."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

import httpx

from deployments.addresses import PrefectAddress

FINAL = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
_POLL_SECONDS = 0.1


class PrefectApi:
    """Rides out the seconds in which the server is killed and started again."""

    def __init__(self, prefect: PrefectAddress) -> None:
        user, _, password = prefect.auth.partition(":")
        self._client = httpx.Client(base_url=prefect.api_url, auth=(user, password), timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        deadline = time.monotonic() + 30
        while True:
            try:
                response = self._client.request(method, path, json=body)
                response.raise_for_status()
            except httpx.HTTPError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_SECONDS)
            else:
                return response.json() if response.content else None

    def deployment(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/deployments/name/{name}")
        return found

    def start_run(self, deployment: str, **parameters: object) -> str:
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return str(self.call("POST", f"/deployments/{self.deployment(deployment)['id']}/create_flow_run", body)["id"])

    def wait_for(self, run_id: str, *types: str, seconds: float = 60) -> dict[str, Any]:
        """The run's state, once its type is one of these (by default: once it is over)."""
        wanted = frozenset(types) or FINAL
        deadline = time.monotonic() + seconds
        while True:
            state: dict[str, Any] = self.call("GET", f"/flow_runs/{run_id}")["state"]
            if state["type"] in wanted:
                return state
            assert time.monotonic() < deadline and state["type"] not in FINAL, state
            time.sleep(_POLL_SECONDS)
