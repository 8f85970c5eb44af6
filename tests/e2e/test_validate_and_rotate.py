"""Validating clusters and rotating their credentials, as an operator does it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from simulator.fleet import SimulatedFleet
from simulator.options import BrokenMode
from simulator.registration import cluster_names
from tests.e2e.fleets import EVERY_KIND, Registered, register, simulated
from tests.e2e.installation import Installation

SOUND, LIMITED, HALF, CLOSED = cluster_names(4)


@pytest.fixture(scope="module")
def clusters(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registered]:
    broken = {f"{HALF}/prometheus": BrokenMode.EXPIRED_CERTIFICATE, CLOSED: BrokenMode.UNAUTHORIZED}
    denied = {LIMITED: ("list pods", "create pods/exec")}
    directory = tmp_path_factory.mktemp("validated")
    options = {"clusters": 4, "faults": (), "nodes": 3, "workloads": 9, "broken": broken, "denied": denied}
    with simulated(directory, **options) as fleet:
        yield register(installation, fleet, "checked", kinds=EVERY_KIND)


@pytest.fixture
def fleetscope(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Tables so wide that no line of the addresses below a temporary directory is broken."""
    monkeypatch.setenv("COLUMNS", "400")
    return installation


def new_token(fleet: SimulatedFleet, name: str, directory: Path) -> tuple[str, Path]:
    token, file = fleet.issue_token(name), directory / "new-token"
    file.write_text(token + "\n", encoding="utf-8")
    return token, file


def test_a_sound_cluster_ends_with_0(clusters: Registered, fleetscope: Installation) -> None:
    told = fleetscope.fleetscope("cluster", "validate", clusters.clusters[SOUND])
    assert told.code == 0, told.out + told.err
    assert "Prometheus answers queries" in told.out
    assert " ms " in told.out
    assert "0 missing, 0 unknown" in told.out
    assert "ClusterRole" not in told.out
    every = fleetscope.fleetscope("cluster", "validate", clusters.clusters[SOUND], "--rights")
    assert every.code == 0
    assert "create pods/exec" in every.out
    role = yaml.safe_load(every.out[every.out.index("apiVersion:") :])
    assert role["metadata"]["name"] == "fleetscope"


def test_missing_rights_are_printed_with_the_role_that_grants_them(
    clusters: Registered, fleetscope: Installation
) -> None:
    told = fleetscope.fleetscope("cluster", "validate", clusters.clusters[LIMITED])
    assert told.code == 4, told.out + told.err
    assert "2 missing, 0 unknown" in told.out
    role = yaml.safe_load(told.out[told.out.index("apiVersion:") :])
    # A name of its own: applied, it takes nothing from a role that is there.
    assert role["metadata"]["name"] == "fleetscope-missing"
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]},
    ]
    as_json = fleetscope.fleetscope("cluster", "validate", clusters.clusters[LIMITED], "--json")
    assert as_json.code == 4
    assert as_json.json["sound"] is False
    assert yaml.safe_load(as_json.json["cluster_role"]) == role
    statuses = {each["kind"]: each["status"] for each in as_json.json["validation"]["endpoints"]}
    assert (statuses["kubernetes"], statuses["prometheus"]) == ("ok", "ok")


def test_broken_clusters_end_with_4_or_3(clusters: Registered, fleetscope: Installation) -> None:
    half = fleetscope.fleetscope("cluster", "validate", clusters.clusters[HALF])
    assert half.code == 4, half.out
    assert "the server's certificate has expired" in half.out
    assert "compare this machine's clock" in half.out
    closed = fleetscope.fleetscope("cluster", "validate", clusters.clusters[CLOSED])
    assert closed.code == 3, closed.out
    assert "did not accept the credential (401)" in closed.out
    assert "fleetscope cluster rotate" in closed.out
    assert fleetscope.fleetscope("cluster", "validate", "nobody").code == 2


def test_a_token_is_rotated_and_the_old_one_revoked(
    clusters: Registered, fleetscope: Installation, tmp_path: Path
) -> None:
    fleet, name = clusters.fleet, clusters.clusters[SOUND]
    first = fleetscope.stores.credentials.version(f"clusters/{name}")
    assert first is not None
    tokens = []
    for number in (1, 2):
        token, file = new_token(fleet, SOUND, tmp_path)
        rotated = fleetscope.fleetscope("cluster", "rotate", name, "--token-file", file)
        assert rotated.code == 0, rotated.out + rotated.err
        assert f"version {first.number + number} is current" in rotated.out
        assert token not in rotated.out + rotated.err
        tokens.append(token)
    fleet.revoke_token(SOUND, tokens[0])
    assert fleetscope.fleetscope("cluster", "validate", name).code == 0
    assert fleetscope.fleetscope("discover", "--cluster", name).code == 0


def test_a_bad_token_is_refused_and_changes_nothing(
    clusters: Registered, fleetscope: Installation, tmp_path: Path
) -> None:
    name = clusters.clusters[LIMITED]
    file = tmp_path / "bad-token"
    file.write_text("of-another-cluster", encoding="utf-8")
    before = fleetscope.stores.credentials.version(f"clusters/{name}")
    refused = fleetscope.fleetscope("cluster", "rotate", name, "--token-file", file)
    assert refused.code == 3, refused.out + refused.err
    assert "refused: the new credential would break:" in refused.err
    assert all(kind in refused.err for kind in ("kubernetes", "prometheus", "loki"))
    assert "unauthorized" in refused.out
    assert "of-another-cluster" not in refused.out + refused.err
    as_json = fleetscope.fleetscope("cluster", "rotate", name, "--token-file", file, "--json")
    assert (as_json.code, as_json.json["version"]) == (3, None)
    assert fleetscope.stores.credentials.version(f"clusters/{name}") == before
    assert "did not accept" not in fleetscope.fleetscope("cluster", "validate", name).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "No new credential is given"),
        (["--username", "me", "--endpoint", "grafana"], "is none of kubernetes"),
        (["--password-file", "x"], "without a user name"),
    ],
)
def test_mistakes_are_explained(words: list[str], said: str, clusters: Registered, fleetscope: Installation) -> None:
    wrong = fleetscope.fleetscope("cluster", "rotate", clusters.clusters[SOUND], *words)
    assert wrong.code == 2, wrong.err
    assert said in " ".join(wrong.err.split())
