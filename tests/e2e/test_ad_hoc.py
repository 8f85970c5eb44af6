"""A Prometheus and nothing else: scanned without registration, from a cold start or with what runs already."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
import yaml

from deployments.embedded.status import stack_status
from fleet.frames.pack_file import DEFAULT_PACK_PATH
from simulator.fleet import SimulatedFleet
from simulator.options import BrokenMode, FaultKind
from tests.e2e.fleets import ANCHOR, simulated
from tests.e2e.installation import ENOUGH_SECONDS, Installation, Outcome, eventually
from tests.e2e.newcomer import Newcomer
from tests.e2e.secrecy import holders, kept_credentials, leaks
from tests.fleet.collectors.prometheus.certificates import Authority, KeyPair
from tests.fleet.collectors.prometheus.real_prometheus import INSTALLED, PASSWORD, RealPrometheus, backfill

WITHOUT_PROMETHEUS = pytest.mark.skipif(not INSTALLED, reason="the Debian package prometheus is not installed")
END = datetime(2026, 3, 3, tzinfo=UTC)
HISTORY_DAYS = 5
PACK = {
    "name": "one-metric",
    "version": 1,
    "queries": [
        {
            "id": "queue_length",
            "title": "Length of the queue",
            "group": "workloads",
            "promql": "queue_length",
            "unit": "count",
            "kind": "gauge",
            "direction": "up",
            "subject": {"kind": "node", "name": "instance"},
            "severity": "warning",
            "needs": ["queue_length"],
        }
    ],
}


@dataclass
class Lone:
    """What somebody has who has nothing but Prometheus servers, and the secrets for them.

    Attributes:
        secrets: everything that must be kept secret, by what it is.
    """

    directory: Path
    authority: Authority
    client: KeyPair
    fleet: SimulatedFleet
    secrets: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        file = self.directory / name
        file.write_text(text)
        return file

    @property
    def troubled(self) -> str:
        return str(self.fleet.truth["faults"][0]["cluster"])

    def bearer(self) -> list[object]:
        """Options for the simulated Prometheus, which wants a token."""
        return [
            *("--prometheus", f"{self.fleet.url}/{self.troubled}/prometheus", "--until", ANCHOR.isoformat()),
            *("--token-file", self.fleet.directory / f"{self.troubled}.token"),
            *("--ca-file", self.fleet.directory / "ca.pem"),
        ]


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    directory = tmp_path_factory.mktemp("lone")
    authority = Authority()
    client = authority.issue()
    options: dict[str, Any] = {"clusters": 2, "nodes": 3, "workloads": 9, "faults": (FaultKind.DISK_FILLING,)}
    with simulated(directory / "fleet", pack=DEFAULT_PACK_PATH, **options) as fleet:
        lone = Lone(directory, authority, client, fleet)
        lone.write("ca.pem", authority.pem)
        lone.write("password", PASSWORD)
        lone.write("client.pem", client.certificate)
        lone.write("client.key", client.key)
        lone.write("pack.yaml", yaml.safe_dump(PACK, sort_keys=False))
        lone.secrets = {
            "password": PASSWORD,
            "token": fleet.token(lone.troubled),
            "client key": client.key.splitlines()[1],
        }
        yield lone


def queue_lengths() -> Iterator[tuple[float, str]]:
    """Days of the same, and a queue that grew for half an hour before the end."""
    noise = np.random.default_rng(1)
    for at in range(int(END.timestamp()) - HISTORY_DAYS * 86_400, int(END.timestamp()), 60):
        grown = 3600 <= END.timestamp() - at < 5400
        yield at, f"{(90 if grown else 10) + noise.normal():.3f}"


def server(lone: Lone, home: Path, **options: Any) -> RealPrometheus:
    backfill(home / "data", [("queue_length", "gauge", [({"instance": "server-1"}, queue_lengths())])])
    pair = lone.authority.issue()
    return RealPrometheus(home, certificate=(pair.certificate, pair.key), **options)


@pytest.fixture(scope="module")
def with_password(lone: Lone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    with server(lone, tmp_path_factory.mktemp("with-password"), basic_auth=True) as running:
        yield running


@pytest.fixture(scope="module")
def with_certificates(lone: Lone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    home = tmp_path_factory.mktemp("with-certificates")
    with server(lone, home, client_authority=lone.authority.pem) as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_cold_start(lone: Lone, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    newcomer, messages = Newcomer(tmp_path), tmp_path / "messages"
    state = newcomer.settings.state_dir
    began = time.monotonic()
    with messages.open("w") as err, newcomer.start("scan", *lone.bearer(), err=err) as running:
        assert running.stdout is not None
        said = up_to_first_incident(running.stdout)
        first_finding = time.monotonic() - began
        said += running.stdout.read()
    told = messages.read_text()
    assert running.returncode == 0, told
    with capfd.disabled():
        print(  # noqa: T201 - a figure, not a condition: the machine may be busy
            f"\nfirst finding {first_finding:.0f} s after a cold start, all over after {time.monotonic() - began:.0f} s"
        )
    fault = next(fault for fault in lone.fleet.truth["faults"] if fault["cluster"] == lone.troubled)
    assert fault["subject"]["part"] in said
    assert f"Starting the embedded stack in {state}" in told
    assert "Stopping the embedded stack" in told
    assert stack_status(newcomer.settings).phase == "stopped"
    assert newcomer.processes() == []
    assert len(list((tmp_path / "fleetscope-report").glob("*.pdf"))) == 1
    assert holders(state, lone.secrets["token"]) == []
    assert lone.secrets["token"] not in said + told


def up_to_first_incident(lines: IO[str]) -> str:
    said = ""
    for line in lines:
        said += line
        if line.startswith("1. "):
            return said
    pytest.fail(f"no incident: {said}")


@WITHOUT_PROMETHEUS
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_credential_opens_its_server_and_stays_secret(
    installation: Installation,
    lone: Lone,
    with_password: RealPrometheus,
    with_certificates: RealPrometheus,
    tmp_path: Path,
) -> None:
    before = stack_status(installation.settings)
    own = ("--pack", lone.directory / "pack.yaml", "--until", END.isoformat(), "--last", "6h")
    ca = ("--ca-file", lone.directory / "ca.pem")
    password = ("--username", "scan", "--password-file", lone.directory / "password")
    certificate = ("--client-cert", lone.directory / "client.pem", "--client-key", lone.directory / "client.key")
    scans = {
        "password": ("--prometheus", with_password.url, *own, *ca, *password),
        "client key": ("--prometheus", with_certificates.url, *own, *ca, *certificate),
        "token": (*lone.bearer(), "--last", "1h"),
    }
    for name, options in scans.items():
        ran = installation.fleetscope("scan", *options, "--report-dir", tmp_path / "report", "--json")
        assert ran.code == 0, (name, ran.err)
        (coverage,) = ran.json["coverage"]
        assert coverage["status"] == "ok", name
        assert [each for each in ran.json["incidents"] if "server-1" in each["subject"]] or name == "token"
        assert "Starting the embedded stack" not in ran.err
        assert not any(secret in ran.out + ran.err for secret in lone.secrets.values())
    # The stack was there before, and stays as it was.
    after = stack_status(installation.settings)
    assert after.is_running
    assert [part["pid"] for part in after.parts] == [part["pid"] for part in before.parts]
    assert kept_credentials(installation) == [], "ad-hoc credentials are left in OpenBao"
    for name, secret in lone.secrets.items():
        assert leaks(installation, secret) == [], name
    # The search would have found them: it finds what is no secret in each of these places.
    places = " ".join(leaks(installation, ran.json["coverage"][0]["cluster"]))
    for place in ("/fleetscope clusters", "/prefect flow_run", ".html", "/postgres/"):
        assert place in places


def test_a_scan_that_is_terminated_leaves_no_secret(installation: Installation, lone: Lone, tmp_path: Path) -> None:
    lone.fleet.set_broken(lone.troubled, BrokenMode.HANG)
    lone.fleet.reset_requests()
    command = [str(Path(sys.executable).with_name("fleetscope")), "scan", *map(str, lone.bearer())]
    try:
        # The environment names the running stack.
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
            eventually(lambda: lone.fleet.requests()["clusters"] != {})
            assert kept_credentials(installation) != []
            running.terminate()
            said, _ = running.communicate(timeout=ENOUGH_SECONDS)
    finally:
        lone.fleet.set_broken(lone.troubled, None)
    assert running.returncode == 130
    assert kept_credentials(installation) == [], said.decode()
    assert stack_status(installation.settings).is_running


@WITHOUT_PROMETHEUS
def test_a_server_with_nothing_of_the_pack(
    installation: Installation, lone: Lone, with_password: RealPrometheus, tmp_path: Path
) -> None:
    options = ("--username", "scan", "--password-file", lone.directory / "password", "--report-dir", tmp_path)
    trusted = ("--ca-file", lone.directory / "ca.pem", "--until", END.isoformat(), "--last", "1h")
    ran = installation.fleetscope("scan", "--prometheus", with_password.url, *options, *trusted, "--json")
    assert ran.code == 3
    (coverage,) = ran.json["coverage"]
    assert (coverage["status"], coverage["grade"]) == ("absent", "not graded")
    assert coverage["reasons"] == ["the server has none of the metrics that the pack asks for"]
    assert "the server has none of the metrics that the pack asks for" in ran.err


def test_a_server_that_cannot_be_asked_is_explained(installation: Installation, lone: Lone, tmp_path: Path) -> None:
    def scan(url: str, *options: object) -> Outcome:
        return installation.fleetscope("scan", "--prometheus", url, "--last", "1h", "--report-dir", tmp_path, *options)

    nobody = scan("http://127.0.0.1:9")
    assert nobody.code == 3
    assert "http://127.0.0.1:9 cannot be reached: connection refused" in nobody.err
    assert "not graded" in nobody.out
    unverified = scan(f"{lone.fleet.url}/{lone.troubled}/prometheus")
    assert unverified.code == 3
    assert "certificate" in unverified.err
    wrong = lone.write("wrong", "not-the-token")
    ca = ("--ca-file", lone.fleet.directory / "ca.pem")
    # In one process a credential is known for a minute: no other test has been at this cluster.
    (quiet,) = set(lone.fleet.names) - {lone.troubled}
    refused = scan(f"{lone.fleet.url}/{quiet}/prometheus", *ca, "--token-file", wrong)
    assert refused.code == 3
    assert "401" in refused.err
    assert "not-the-token" not in refused.out + refused.err
    assert list(tmp_path.iterdir()) == []
    nonsense = scan("localhost:9090")
    assert nonsense.code == 2
    assert "Traceback" not in nonsense.err
