"""The simulator as a program, and as a fleet of very many clusters."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import FaultKind
from tests.simulator.conftest import api


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_program_says_when_it_is_ready_and_ends_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    directory, truth = tmp_path / "fleet", tmp_path / "truth.json"
    command = [sys.executable, "-m", "simulator", "--clusters", "2", "--seed", "5", "--faults", "disk-filling"]
    command += ["--directory", str(directory), "--truth", str(truth)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            assert [fault["kind"] for fault in json.loads(truth.read_text())["faults"]] == ["disk-filling"]
            registration = yaml.safe_load(Path(ready["registration"]).read_text())
            for cluster in registration["clusters"]:
                token = Path(cluster["credential"]["token_file"]).read_text()
                endpoint = cluster["endpoints"]["prometheus"]
                context = ssl.create_default_context(cadata=endpoint["ca_pem"])
                headers = {"Authorization": f"Bearer {token}"}
                with httpx.Client(verify=context, headers=headers) as client:
                    assert client.get(f"{endpoint['url']}/-/ready").status_code == 200
            process.send_signal(number)
            output, errors = process.communicate(timeout=20)
            assert (process.returncode, output, errors) == (0, "", "")
        finally:
            process.kill()


def test_program_says_why_it_cannot_serve(tmp_path: Path) -> None:
    with SimulatedFleet(FleetOptions(clusters=1)) as running:
        port = running.url.rsplit(":", 1)[1]
        command = [sys.executable, "-m", "simulator", "--directory", str(tmp_path), "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 3
    assert "Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "options", [{"clusters": 0}, {"clusters": 1001}, {"nodes": 2}, {"workloads": 8}, {"workloads": 3000}]
)
def test_sizes_out_of_bounds_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        FleetOptions(**options)


def test_two_hundred_clusters_live_in_one_process_and_are_made_when_asked() -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    with SimulatedFleet(FleetOptions(clusters=200)) as running:
        assert len(running.registration["clusters"]) == len(set(running.names)) == 200
        faults = running.truth["faults"]
        assert {fault["kind"] for fault in faults} == set(FaultKind)
        assert len({fault["cluster"] for fault in faults}) == 80
        end = running.anchor.timestamp()
        seen = set()
        for name in running.names[::20]:
            found = api(running, name, "prometheus").range("node_cpu_util", end - 3600, end, 30)
            seen.add(json.dumps(sorted((str(key), sorted(values.items())) for key, values in found.items())))
            assert len(api(running, name, "kubernetes").get("/api/v1/nodes").json()["items"]) >= 4
        assert len(seen) == 10
        assert process.memory_info().rss - before < 300 * 2**20


def test_large_cluster_has_the_size_that_was_asked_for() -> None:
    with SimulatedFleet(FleetOptions(clusters=1, nodes=40, workloads=300, faults=())) as running:
        kubernetes = api(running, "fra-01", "kubernetes")
        assert len(kubernetes.get("/api/v1/nodes").json()["items"]) == 40
        kinds = ("daemonsets", "deployments", "statefulsets")
        workloads = [item for kind in kinds for item in kubernetes.get(f"/apis/apps/v1/{kind}").json()["items"]]
        assert len(workloads) == 300
        assert len({(item["metadata"]["namespace"], item["metadata"]["name"]) for item in workloads}) == 300
        end = running.anchor.timestamp()
        found = api(running, "fra-01", "prometheus").range("container_cpu_cores", end - 3600, end, 30)
        assert len(found) >= 600
