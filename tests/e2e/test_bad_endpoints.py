"""Broken clusters beside a healthy one: what is unseen is said in plain words, and the healthy one is untouched."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from simulator.options import BrokenMode, FaultKind
from simulator.registration import cluster_names
from tests.e2e.fleets import ANCHOR, Registered, doubled, register, simulated, told_of
from tests.e2e.installation import Installation, Outcome

SEED = 16
"""With it the one fault lies in the first cluster, which is the healthy one."""
BOUND_SECONDS = 100
"""The hanging cluster alone takes 30 s: 20 s of its Kubernetes API, 10 s of its Prometheus. The machine may be busy."""


@dataclass(frozen=True)
class Broken:
    """How a cluster is broken, and what its coverage must say of it."""

    said: str
    status: str = "unknown"
    mode: BrokenMode | None = None


BROKEN = {
    "closed-port": Broken("cannot be reached: connection refused"),
    "wrong-path": Broken("has no such API (404)"),
    "expired-token": Broken("did not accept the credential (401)", mode=BrokenMode.UNAUTHORIZED),
    "self-signed": Broken("the server's certificate is self-signed", mode=BrokenMode.SELF_SIGNED),
    "hangs": Broken("did not answer within 10 s", mode=BrokenMode.HANG),
    "sign-in-page": Broken("answered with a sign-in page", mode=BrokenMode.HTML),
    "cut-answers": Broken("ended in the middle", mode=BrokenMode.TRUNCATED),
    "huge-answers": Broken("is larger than 64 MiB", mode=BrokenMode.HUGE),
    "unavailable": Broken("a router answered 503 for the service behind it", mode=BrokenMode.UNAVAILABLE),
    "partial": Broken("queries were not seen whole", status="partial", mode=BrokenMode.PARTIAL),
}
SIMULATED = dict(zip(["healthy", *BROKEN], cluster_names(len(BROKEN) + 1), strict=True))
"""The simulated cluster behind each name."""


@dataclass(frozen=True)
class Scanned:
    """One scan of all of them, and one of the healthy cluster alone."""

    together: Outcome
    seconds: float
    clusters: Registered
    alone: Registered

    def coverage(self, name: str) -> dict[str, Any]:
        cluster = self.clusters.clusters[SIMULATED[name]]
        return next(row for row in self.together.json["coverage"] if row["cluster"] == cluster)


def scan(*arguments: str) -> tuple[str, ...]:
    return ("scan", "--until", ANCHOR.isoformat(), "--last", "6h", "--sensitivity", "HIGH", *arguments)


@pytest.fixture(scope="module")
def scanned(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scanned]:
    broken = {SIMULATED[name]: each.mode for name, each in BROKEN.items() if each.mode}
    size = {"clusters": len(SIMULATED), "nodes": 3, "workloads": 9}
    with (
        simulated(
            tmp_path_factory.mktemp("broken"), faults=(FaultKind.MEMORY_LEAK,), seed=SEED, broken=broken, **size
        ) as fleet,
        socket.socket() as closed,
    ):
        assert [fault["cluster"] for fault in fleet.truth["faults"]] == [SIMULATED["healthy"]]
        # Bound and not listening: nobody else can open this port meanwhile.
        closed.bind(("127.0.0.1", 0))
        wrong = {
            SIMULATED["closed-port"]: f"https://127.0.0.1:{closed.getsockname()[1]}",
            SIMULATED["wrong-path"]: f"{fleet.url}/elsewhere",
        }
        clusters = register(installation, fleet, "bad", addresses=wrong)
        alone = register(installation, fleet, "alone", [SIMULATED["healthy"]])
        began = time.monotonic()
        together = installation.fleetscope(*scan("--json", *clusters.options()))
        seconds = time.monotonic() - began
        installation.scan(alone.names, until=ANCHOR, last_hours=6, sensitivity="HIGH")
        yield Scanned(together, seconds, clusters, alone)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_one_scan_ends_in_bounded_time_with_gaps(scanned: Scanned) -> None:
    assert scanned.together.code == 4, scanned.together.err
    assert scanned.together.json["state"] == "completed-with-gaps"
    assert scanned.seconds < BOUND_SECONDS


@pytest.mark.parametrize("name", BROKEN)
def test_coverage_says_in_plain_words_what_is_broken(name: str, scanned: Scanned) -> None:
    coverage = scanned.coverage(name)
    assert coverage["status"] == BROKEN[name].status
    assert coverage["seen_ratio"] == 0
    assert any(BROKEN[name].said in reason for reason in coverage["reasons"]), coverage["reasons"]
    assert coverage["grade"] not in {"A", "B"}
    # One reason, not one for each of 24 chunks or 60 queries; and no secret in it.
    assert len(coverage["reasons"]) == 1
    token = scanned.clusters.fleet.token(SIMULATED[name])
    assert token not in scanned.together.out + scanned.together.err


def test_healthy_cluster_is_seen_as_if_it_were_alone(scanned: Scanned) -> None:
    healthy = SIMULATED["healthy"]
    assert scanned.coverage("healthy")["status"] == "ok"
    assert scanned.coverage("healthy")["seen_ratio"] == 1
    together, alone = told_of(scanned.clusters, healthy), told_of(scanned.alone, healthy)
    assert together == alone
    assert alone[healthy]["incidents"]
    assert {line["cluster"] for line in scanned.together.json["incidents"]} <= {
        scanned.clusters.clusters[name] for name in (healthy, SIMULATED["partial"])
    }
    assert doubled(scanned.clusters) == []


def test_discovery_names_the_gaps_too(scanned: Scanned, installation: Installation) -> None:
    names = {name: scanned.clusters.clusters[SIMULATED[name]] for name in ("healthy", "sign-in-page", "closed-port")}
    found = installation.fleetscope("discover", "--json", *(f"--cluster={name}" for name in names.values()))
    assert found.code == 4
    inventories = found.json["inventories"]
    assert inventories[names["healthy"]]["nodes"]
    assert inventories[names["closed-port"]] is None
    assert inventories[names["sign-in-page"]] is None
    told = installation.fleetscope("discover", *(f"--cluster={name}" for name in names.values()))
    assert "unknown" in told.out
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    ("names", "options", "code"),
    [
        (["healthy", "closed-port"], ["--allow-gaps"], 0),
        (["healthy", "closed-port"], ["--fail-on", "info"], 1),
        (["closed-port", "sign-in-page"], ["--allow-gaps", "--fail-on", "info"], 3),
    ],
)
def test_exit_codes(
    names: list[str], options: list[str], code: int, scanned: Scanned, installation: Installation
) -> None:
    clusters = [f"--cluster={scanned.clusters.clusters[SIMULATED[name]]}" for name in names]
    result = installation.fleetscope(*scan(*clusters, *options))
    assert result.code == code, result.err
    assert "connection refused" in " ".join(result.out.split())
    assert "Traceback" not in result.err
