"""One simulated fleet for the tests that only read it, and clients for its clusters."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
import yaml

from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import DEFAULT_PACK

PACK: dict[str, dict[str, Any]] = {
    query["id"]: query for query in yaml.safe_load(DEFAULT_PACK.read_text(encoding="utf-8"))["queries"]
}
ANCHOR = datetime(2026, 3, 11, 12, tzinfo=UTC)
"""A Wednesday noon: the same faults at the same places in every run."""
_OPEN: list[httpx.Client] = []
Labels = tuple[tuple[str, str], ...]


@pytest.fixture(scope="session")
def fleet() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=3, seed=7, anchor=ANCHOR)) as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    for client in _OPEN:
        client.close()


@dataclass
class Api:
    """One API of one cluster."""

    http: httpx.Client

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        return self.http.get(path, params=parameters)

    def range(self, query: str, start: float, end: float, step: float) -> dict[Labels, dict[float, float]]:
        """A pack query's samples by series and time."""
        form = {"query": PACK[query]["promql"], "start": start, "end": end, "step": step}
        answer = self.http.post("/api/v1/query_range", data=form)
        answer.raise_for_status()
        return {
            tuple(sorted(series["metric"].items())): {at: float(value) for at, value in series["values"]}
            for series in answer.json()["data"]["result"]
        }


def api(fleet: SimulatedFleet, cluster: str, kind: str, token: str | None = None) -> Api:
    """A client with the cluster's token, or another one ("" for none)."""
    context = ssl.create_default_context(cafile=fleet.directory / "ca.pem")
    token = fleet.token(cluster) if token is None else token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    base_url = f"{fleet.url}/{cluster}/{kind}"
    client = httpx.Client(base_url=base_url, verify=context, headers=headers, timeout=20)
    _OPEN.append(client)
    return Api(client)


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def matching(series: dict[Labels, dict[float, float]], **labels: str) -> list[dict[float, float]]:
    """The samples of the series that have these labels."""
    return [samples for key, samples in series.items() if labels.items() <= dict(key).items()]


def within(samples: dict[float, float], start: float, end: float) -> npt.NDArray[np.float64]:
    """The values in start..end."""
    return np.array([value for at, value in samples.items() if start <= at < end])
