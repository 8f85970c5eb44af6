"""A worker process: threads that query one endpoint under the governor. ``python -m`` with its task on stdin."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from fleet.collectors.prometheus import PrometheusClient, PrometheusLimits
from fleet.collectors.transport import TransportLimits
from fleet.errors import SourceError, StoreUnavailable
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.endpoint_budget import EndpointBudget
from storage.database import Database
from storage.governor import BreakerTerms, EndpointGovernor

T0 = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Work:
    """What a worker does. ``skew_seconds`` is how wrong its clocks are."""

    dsn: str
    password: str
    url: str
    concurrency: int
    requests_per_second: int
    requests: int
    threads: int = 4
    lease_seconds: float = 3.0
    skew_seconds: float = 0.0
    first_pause: float = 1.0
    most_in_a_row: int = 10
    attempts: int = 3
    wait_seconds: float = 60.0

    def start(self) -> subprocess.Popen[str]:
        """In a process of its own, which writes its counts when it has ended."""
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.storage.governor.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(self)))
        process.stdin.close()
        process.stdin = None
        return process

    def cluster(self) -> Cluster:
        budget = EndpointBudget(concurrency=self.concurrency, requests_per_second=self.requests_per_second)
        return Cluster(name="governed", endpoints={EndpointKind.PROMETHEUS: Endpoint(url=self.url, budget=budget)})


def counts_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a worker counted, after its end."""
    out, _ = process.communicate(timeout=100)
    assert process.returncode == 0, out
    counts: dict[str, Any] = json.loads(out)
    return counts


def work(task: Work) -> Counter[str]:
    """Ask until the requests are used up; a database that is away is waited for."""
    database = Database(task.dsn, SecretStr(task.password))
    breaker = BreakerTerms(first_pause=task.first_pause, most_in_a_row=task.most_in_a_row)
    governor = EndpointGovernor(database, lease_seconds=task.lease_seconds, breaker=breaker)
    cluster = task.cluster()
    bounds = TransportLimits(request_seconds=task.wait_seconds, attempts=task.attempts)
    counts: Counter[str] = Counter()
    lock = threading.Lock()
    left = task.requests

    def ask() -> None:
        nonlocal left
        while True:
            with lock:
                if left == 0:
                    return
                left -= 1
            while True:
                try:
                    client.query("1", T0)
                    said = "answered"
                except StoreUnavailable:
                    with lock:
                        counts["away"] += 1
                    time.sleep(0.1)
                    continue
                except SourceError as error:
                    said = type(error).__name__
                break
            with lock:
                counts[said] += 1

    kept = governor.of(cluster, EndpointKind.PROMETHEUS)
    limits = PrometheusLimits(transport=bounds)
    with PrometheusClient(cluster.endpoints[EndpointKind.PROMETHEUS], None, limits, governor=kept) as client:
        threads = [threading.Thread(target=ask) for _ in range(task.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    database.close()
    return counts


def skew(seconds: float) -> None:
    """Make this process' clocks wrong."""
    real, steady = time.time, time.monotonic
    time.time = lambda: real() + seconds
    time.monotonic = lambda: steady() + seconds


if __name__ == "__main__":
    given = Work(**json.load(sys.stdin))
    if given.skew_seconds:
        skew(given.skew_seconds)
    print(json.dumps(work(given)))  # noqa: T201
