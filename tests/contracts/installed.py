"""Real servers that this machine has programs of, seeded with what the contracts look for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from fleet.credentials import Credential, GivenCredential
from fleet.inventory.cluster import Endpoint, EndpointKind
from tests.contracts.sources import Source, source_of, variable_of
from tests.fleet.collectors import real_alertmanager
from tests.fleet.collectors.prometheus import real_prometheus
from tests.fleet.collectors.prometheus.certificates import Authority
from tests.fleet.collectors.prometheus.real_prometheus import PASSWORD, RealPrometheus, backfill

_STEP_SECONDS = 30
_RULES = """
groups:
  - name: contract
    interval: 1s
    rules:
      - {alert: AlwaysThere, expr: vector(1), labels: {severity: info}}
      - {record: "job:up:sum", expr: sum by (job) (up)}
"""
_CONFIGURATION = """
global: {evaluation_interval: 1s}
rule_files: [rules.yml]
"""


def places_of(kind: EndpointKind) -> list[str]:
    """Where the contracts find a server of this kind: where the environment says, or simulated and installed ones."""
    if variable_of(kind) in os.environ:
        return ["named"]
    return ["simulated", "installed"] if _is_installed(kind) else ["simulated"]


def found_in(
    place: str, kind: EndpointKind, request: pytest.FixtureRequest, directories: pytest.TempPathFactory
) -> Iterator[Source]:
    """A server of this kind in one of its places, as long as it is needed."""
    if place == "installed":
        with _installed(kind, directories.mktemp("installed")) as source:
            yield source
    else:
        yield source_of(kind, request)


def _is_installed(kind: EndpointKind) -> bool:
    if kind is EndpointKind.PROMETHEUS:
        return real_prometheus.INSTALLED
    return kind is EndpointKind.ALERTMANAGER and real_alertmanager.PROGRAM is not None


@contextmanager
def _installed(kind: EndpointKind, home: Path) -> Iterator[Source]:
    """A running one: Prometheus over TLS and basic auth with the last three hours of two nodes, Alertmanager empty."""
    if kind is EndpointKind.ALERTMANAGER:
        with real_alertmanager.running_alertmanager(home / "alertmanager") as url:
            yield Source(Endpoint(url=url), GivenCredential(None), simulated=False)
        return
    place = home / "prometheus"
    place.mkdir()
    (place / "rules.yml").write_text(_RULES, encoding="utf-8")
    _seed(place / "data")
    authority = Authority()
    pair = authority.issue()
    with RealPrometheus(
        place, certificate=(pair.certificate, pair.key), basic_auth=True, configuration=_CONFIGURATION
    ) as server:
        endpoint = Endpoint(url=server.url, ca_pem=authority.pem)
        credential = Credential(username="scan", password=SecretStr(PASSWORD))
        yield Source(endpoint, GivenCredential(credential), simulated=False)


def _seed(data: Path) -> None:
    end = int((datetime.now(UTC) - timedelta(minutes=1)).timestamp()) // _STEP_SECONDS * _STEP_SECONDS
    times = range(end - 3 * 3600, end, _STEP_SECONDS)
    nodes = [{"instance": f"node-{number}", "job": "node-exporter"} for number in range(2)]

    def gauge(name: str, value: float) -> tuple[str, str, list[tuple[dict[str, str], list[tuple[float, str]]]]]:
        return name, "gauge", [(node, [(at, repr(value + at % 600)) for at in times]) for node in nodes]

    backfill(
        data,
        [
            gauge("up", 1),
            gauge("node_load1", 2),
            gauge("node_memory_MemAvailable_bytes", 2e9),
            gauge("node_memory_MemTotal_bytes", 8e9),
        ],
    )
