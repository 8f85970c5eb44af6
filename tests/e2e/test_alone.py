"""Commands as a new user types them, each a process of its own that begins with an empty state directory."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from fleet.frames.pack_file import DEFAULT_PACK_PATH
from simulator.fleet import SimulatedFleet
from tests.e2e.fleets import ANCHOR, simulated

SECONDS = 280


class Shell:
    """Runs the command in an empty directory with a state directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = directory / "state"

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLEETSCOPE_", "PREFECT_"))}
        environment = {**kept, "FLEETSCOPE_STATE_DIR": str(self.state), "COLUMNS": "200"}
        program = Path(sys.executable).with_name("fleetscope")
        command = [str(program), *map(str, words)]
        return subprocess.run(
            command, cwd=self.directory, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    def stack_phase(self) -> str:
        return str(json.loads(self.run("status", "--json").stdout)["phase"])


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.run("down")


@pytest.fixture
def lone_fleet(tmp_path: Path) -> Iterator[SimulatedFleet]:
    with simulated(tmp_path / "fleet", clusters=2, seed=7, pack=DEFAULT_PACK_PATH) as fleet:
        yield fleet


def text_of(pdf: Path) -> str:
    pages = PdfReader(io.BytesIO(pdf.read_bytes())).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


@pytest.mark.timeout(600)
def test_the_demo_ends_with_causes_and_a_report_and_repeats_nothing_that_is_stored(shell: Shell) -> None:
    first = shell.run("demo")
    assert first.returncode == 0, first.stderr
    truth = json.loads((shell.state / "demo" / "truth.json").read_text())
    assert len(truth["faults"]) == 5
    pdf = sorted((shell.directory / "fleetscope-demo").glob("*.pdf"))[0]
    told, said = text_of(pdf).lower(), first.stdout.lower()
    for fault in truth["faults"]:
        assert fault["cluster"] in told
        assert fault["cause"]["subject"]["name"] in told
        assert fault["cause"]["subject"]["name"] in said
    assert re.search(r"s3://fleetscope/reports/fleet/\S+\.pdf", first.stdout)
    assert "Prefect UI: http://127.0.0.1:" in first.stdout
    second = shell.run("demo")
    assert second.returncode == 0, second.stderr
    assert fetched_by_the_last_scan(shell) == 0
    assert shell.stack_phase() == "running"
    assert shell.run("down").returncode == 0
    assert shell.stack_phase() == "stopped"


def fetched_by_the_last_scan(shell: Shell) -> int:
    """Chunks that the newest scan asked its clusters for."""
    code = (
        "from deployments.embedded.control import ensure_stack\n"
        "from deployments.installation import stores_of\n"
        "from deployments.settings import load_settings\n"
        f"with ensure_stack(load_settings(state_dir={str(shell.state)!r}), worker=False) as addresses:\n"
        "    print(stores_of(addresses).scans.list(limit=1)[0].counts['fetched'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=SECONDS)
    return int(done.stdout.splitlines()[-1])


@pytest.mark.timeout(400)
def test_any_prometheus_is_scanned_without_registration_and_leaves_no_stack_and_no_secret(
    shell: Shell, lone_fleet: SimulatedFleet
) -> None:
    name = next(fault["cluster"] for fault in lone_fleet.truth["faults"])
    files = {"--token-file": lone_fleet.directory / f"{name}.token", "--ca-file": lone_fleet.directory / "ca.pem"}
    options: list[Any] = [word for pair in files.items() for word in pair]
    scanned = shell.run(
        *("scan", "--prometheus", f"{lone_fleet.url}/{name}/prometheus", *options),
        *("--until", ANCHOR.isoformat(), "--sensitivity", "HIGH", "--json"),
    )
    assert scanned.returncode == 0, scanned.stderr
    result = json.loads(scanned.stdout)
    assert result["incidents"]
    assert result["coverage"][0]["status"] == "ok"
    assert "Starting the embedded stack" in scanned.stderr
    assert shell.stack_phase() == "stopped"
    assert len(list((shell.directory / "fleetscope-report").glob("*.pdf"))) == 1
    token = lone_fleet.token(name)
    holders = [file for file in shell.state.rglob("*") if file.is_file() and token.encode() in file.read_bytes()]
    assert [file for file in holders if "openbao" not in file.parts] == []


@pytest.mark.timeout(400)
def test_a_prometheus_that_does_not_answer_is_told_and_nothing_is_claimed(
    shell: Shell, lone_fleet: SimulatedFleet
) -> None:
    name = lone_fleet.names[0]
    (shell.directory / "wrong").write_text("not-the-token\n")
    refused = shell.run(
        *("scan", "--prometheus", f"{lone_fleet.url}/{name}/prometheus"),
        *("--token-file", "wrong", "--ca-file", lone_fleet.directory / "ca.pem"),
    )
    assert refused.returncode == 3
    assert "not graded" in refused.stdout
    assert "Traceback" not in refused.stderr
