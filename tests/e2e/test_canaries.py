"""Secrets that are planted in every form a cluster can hold, through every flow and command that touches them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments.embedded.state import StateDirectory
from simulator.fleet import SimulatedFleet
from simulator.options import BrokenMode, FaultKind
from tests.e2e.fleets import ANCHOR, simulated, write_pack
from tests.e2e.installation import Installation
from tests.e2e.secrecy import leaks
from tests.fleet.collectors.prometheus.certificates import Authority

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

QUERIES = ("node_cpu_util", "fs_used_ratio", "container_mem_bytes", "container_mem_vs_limit", "container_oom_kills")


@dataclass
class Planted:
    """Clusters with secrets of every form, and all that the commands said."""

    installation: Installation
    fleet: SimulatedFleet
    directory: Path
    secrets: dict[str, str] = field(default_factory=dict)
    said: str = ""

    def run(self, *arguments: object, codes: tuple[int, ...] = (0,)) -> str:
        ran = self.installation.fleetscope(*arguments)
        assert ran.code in codes, (arguments, ran.code, ran.out, ran.err)
        self.said += ran.out + ran.err
        return ran.out

    def file(self, name: str, secret: str) -> Path:
        self.secrets[name] = secret
        path = self.directory / name
        path.write_text(secret, encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def planted(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    directory = tmp_path_factory.mktemp("planted")
    with simulated(directory, clusters=4, nodes=3, workloads=9, faults=(FaultKind.MEMORY_LEAK,)) as fleet:
        yield Planted(installation, fleet, directory)


def test_canaries_are_found_nowhere(planted: Planted) -> None:
    first, second, third, broken = planted.fleet.names
    for name in (first, second):
        planted.secrets[f"token of {name}"] = (planted.directory / f"{name}.token").read_text().strip()
    register_with_every_form(planted, first)
    import_from_kubeconfig(planted, second)
    register_with_what_is_refused(planted, third, broken)
    run_every_flow(planted, first, second, third, broken)
    rotate(planted, first)

    assert {name for name, secret in planted.secrets.items() if hides_in(planted.said, secret)} == set()
    assert leaks(planted.installation, *(form for secret in planted.secrets.values() for form in forms(secret))) == []
    # The search finds what is no secret in each kind of place.
    places = " ".join(leaks(planted.installation, f"planted-{first}", "Finished in state"))
    for place in ("/fleetscope clusters", "/prefect flow_run", "/prefect log", ".html"):
        assert place in places, place
    assert list(StateDirectory(planted.installation.settings.state_dir).root.rglob("worker*.log"))


def register_with_every_form(planted: Planted, name: str) -> None:
    """A token for all, and another form of credential for each of three endpoints."""
    entry = entry_of(planted.fleet, name)
    client = Authority("clients").issue()
    own: dict[str, dict[str, Any]] = {
        "alertmanager": {"username": "sre", "password_file": str(planted.file("password", "canary-Passw0rd-äöü-93"))},
        "loki": {"token_file": str(planted.file("loki-token", "canary-loki-7f1e2d3c4b5a69788796a5b4c3d2e1f0"))},
        "tempo": {
            "client_cert_file": str(planted.file("client.pem", client.certificate)),
            "client_key_file": str(planted.file("client.key", client.key)),
        },
    }
    # Certificates are public.
    del planted.secrets["client.pem"]
    for kind, credential in own.items():
        entry["endpoints"][kind]["credential"] = credential
    file = planted.directory / "every-form.yaml"
    file.write_text(yaml.safe_dump({"clusters": [entry]}), encoding="utf-8")
    planted.run("cluster", "apply", "--file", file, "--yes")
    planted.run("cluster", "apply", "--file", file, "--yes", "--json")
    planted.run("cluster", "show", entry["name"], "--json")


def import_from_kubeconfig(planted: Planted, name: str) -> None:
    kubeconfig = planted.directory / "kubeconfig"
    planted.run("cluster", "import", "--kubeconfig", kubeconfig, "--context", name, "--name", f"planted-{name}")
    planted.run("cluster", "endpoints", f"planted-{name}", "--store", codes=(0, 4))


def register_with_what_is_refused(planted: Planted, third: str, broken: str) -> None:
    """A token that nobody accepts, one that cannot be sent, and a server that is no server."""
    for name, token in ((third, "canary-refused-0123456789abcdef"), (broken, "canary-line\nbreak-0123456789abcdef")):
        entry = entry_of(planted.fleet, name)
        entry["credential"] = {"token_file": str(planted.file(f"refused-{name}", token))}
        file = planted.directory / f"{name}.yaml"
        file.write_text(json.dumps({"clusters": [entry]}), encoding="utf-8")
        planted.run("cluster", "add", "--file", file)
    planted.fleet.set_broken(broken, BrokenMode.HTML)


def run_every_flow(planted: Planted, first: str, *others: str) -> None:
    names = [f"planted-{name}" for name in (first, *others)]
    chosen = [word for name in names for word in ("--cluster", name)]
    for name in names:
        planted.run("cluster", "validate", name, codes=(0, 3, 4))
        planted.run("cluster", "validate", name, "--json", codes=(0, 3, 4))
    planted.run("discover", *chosen, codes=(4,))
    planted.run("cluster", "history", names[0])
    pack = write_pack(planted.directory / "pack.yaml", QUERIES)
    window = ("--until", ANCHOR.isoformat(), "--last", "6h", "--pack", pack)
    planted.run("scan", *chosen, *window, "--report-dir", planted.directory / "report", codes=(4,))
    place = ("--cluster", names[0], "--at", ANCHOR.isoformat())
    planted.run("investigate", *place, codes=(0, 4))
    planted.run("report", "create", "--kind", "cluster", "--cluster", names[0])
    # The worker's process has logs of its own.
    with planted.installation.prefect() as api:
        scan = {"clusters": names, "last_hours": 1, "until": ANCHOR.isoformat(), "pack": str(pack), "report": False}
        runs = [
            api.start_run("discover-fleet/daily", clusters=names),
            api.start_run("scan-fleet/on-demand", **scan),
            api.start_run("deliver-reports/quarter-hourly"),
        ]
        for run in runs:
            assert api.wait_for(run, seconds=120)["type"] == "COMPLETED"


def rotate(planted: Planted, name: str) -> None:
    """To one that is refused, which changes nothing, and to a good one."""
    bad = planted.file("rotated-bad", "canary-rotated-bad-fedcba9876543210")
    planted.run("cluster", "rotate", f"planted-{name}", "--token-file", bad, codes=(3,))
    good = planted.file("rotated-good", planted.fleet.issue_token(name))
    planted.run("cluster", "rotate", f"planted-{name}", "--token-file", good, "--json")


def entry_of(fleet: SimulatedFleet, name: str) -> dict[str, Any]:
    entry = next(each for each in fleet.registration["clusters"] if each["name"] == name)
    return json.loads(json.dumps(entry)) | {"name": f"planted-{name}"}


def forms(secret: str) -> list[str]:
    """A secret as it is, as a header and as a database or an object might hold it; a key by a line of its middle."""
    lines = [line for line in secret.splitlines() if line.strip()]
    core = lines[len(lines) // 2] if len(lines) > 2 else lines[-1]
    encoded = base64.b64encode(secret.encode()).decode()
    return [core, encoded.rstrip("=")[: len(encoded) - 4], json.dumps(core)[1:-1]]


def hides_in(text: str, secret: str) -> bool:
    return any(form in text for form in forms(secret))
