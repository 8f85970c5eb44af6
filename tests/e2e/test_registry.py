"""The registry as operators use it: fleet as code, imports, endpoints that are found, on one installation."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.errors import CredentialMissing
from fleet.inventory.cluster import EndpointKind
from interfaces.cli.registration import read_registrations
from simulator.fleet import SimulatedFleet
from tests.e2e.conftest import ROOT
from tests.e2e.fleets import ANCHOR, simulated, write_pack
from tests.e2e.installation import Installation, Outcome


@dataclass(frozen=True)
class Desk:
    """An installation and a simulated fleet: an OpenShift that is a hub, and a Kubernetes with charts."""

    installation: Installation
    fleet: SimulatedFleet

    def run(self, *arguments: object) -> Outcome:
        outcome = self.installation.fleetscope("cluster", *arguments)
        assert "Traceback" not in outcome.err, outcome.err
        return outcome

    def done(self, *arguments: object) -> Any:
        outcome = self.run(*arguments, "--json")
        assert outcome.code == 0, outcome
        return outcome.json

    def token(self, ref: str, kind: str = "kubernetes") -> str:
        credential = self.installation.stores.credentials.get(ref, refresh=True).for_endpoint(kind)
        assert credential is not None and credential.token is not None
        return credential.token.get_secret_value()


@pytest.fixture(scope="module")
def desk(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with simulated(tmp_path_factory.mktemp("desk"), clusters=2, nodes=3, workloads=9, faults=()) as fleet:
        yield Desk(installation, fleet)


# --- fleet as code ------------------------------------------------------------------------------------------------


def fleet_file(directory: Path) -> dict[str, Any]:
    (directory / "secrets").mkdir(exist_ok=True)
    (directory / "secrets" / "token").write_text("canary-default\n")
    (directory / "secrets" / "word").write_text("canary-loki\n")
    (directory / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    return {
        "clusters": [
            {
                "name": "code-a",
                "environment": "lab",
                "labels": {"tier": "core"},
                "endpoints": {
                    "prometheus": {"url": "https://prom.a.example", "ca_file": "ca.pem", "namespace": "shop"},
                    "loki": {
                        "url": "https://loki.a.example",
                        "tenant": "shop",
                        "verify_tls": False,
                        "credential": {"username": "me", "password_file": "secrets/word"},
                    },
                },
                "credential": {"token_file": "secrets/token"},
            },
            {"name": "code-b", "endpoints": {"kubernetes": {"url": "https://api.b.example:6443"}}, "active": False},
        ]
    }


def test_fleet_as_code_is_shown_applied_and_then_unchanged(desk: Desk, tmp_path: Path) -> None:
    file, document = tmp_path / "fleet.yaml", fleet_file(tmp_path)
    file.write_text(yaml.safe_dump(document))
    before = desk.done("list")

    shown = desk.run("apply", "--file", file, "--dry-run")
    assert shown.code == 0
    assert "+ code-a added" in shown.out and "endpoints.loki.verify_tls: no" in shown.out
    assert "credential: added" in shown.out and "Nothing was changed" in shown.out
    # Nobody is at the terminal, so nobody can agree.
    unasked = desk.run("apply", "--file", file)
    assert unasked.code == 2 and "--yes" in unasked.err
    assert desk.done("list") == before

    applied = desk.done("apply", "--file", file, "--yes")
    assert applied["applied"]
    assert {each["name"]: each["step"] for each in applied["changes"]} == {"code-a": "added", "code-b": "added"}
    again = desk.done("apply", "--file", file, "--yes")
    assert not again["applied"]
    assert {each["step"] for each in again["changes"]} == {"unchanged"}
    cluster = desk.done("show", "code-a")["cluster"]
    assert cluster["endpoints"]["prometheus"]["ca_pem"] == (tmp_path / "ca.pem").read_text()
    assert cluster["endpoints"]["loki"]["tenant"] == "shop"
    assert cluster["endpoints"]["prometheus"]["namespace"] == "shop"
    assert desk.token("clusters/code-a", "prometheus") == "canary-default"
    kept = desk.installation.stores.credentials.get("clusters/code-a", refresh=True)
    assert kept.for_endpoint("loki").password.get_secret_value() == "canary-loki"

    (tmp_path / "secrets" / "token").write_text("canary-new\n")
    document["clusters"][0]["labels"] = {"tier": "edge"}
    del document["clusters"][1]
    file.write_text(yaml.safe_dump(document))
    shown = desk.run("apply", "--file", file, "--dry-run")
    assert "labels.tier: core → edge" in shown.out
    assert "credential: changed" in shown.out
    assert "code-b" not in shown.out
    desk.done("apply", "--file", file, "--yes")
    assert desk.token("clusters/code-a", "prometheus") == "canary-new"
    assert "code-b" in {each["name"] for each in desk.done("list")}

    others = [each["name"] for each in desk.done("list") if each["name"] != "code-a"]
    pruned = desk.done("apply", "--file", file, "--prune", "--dry-run")
    assert {each["name"] for each in pruned["changes"] if each["step"] == "removed"} == set(others)
    for outcome in (shown, desk.run("list"), desk.run("show", "code-a")):
        assert "canary" not in outcome.out + outcome.err
    assert "canary" not in json.dumps([applied, again, pruned])
    for name in ("code-a", "code-b"):
        assert desk.run("remove", name).code == 0


class Terminal(io.StringIO):
    """What somebody types at a terminal."""

    def isatty(self) -> bool:
        return True


def test_at_a_terminal_it_asks(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text("clusters:\n- {name: asked, endpoints: {prometheus: {url: https://p.example}}}\n")
    for typed, names in (("n\n", []), ("y\n", ["asked"])):
        monkeypatch.setattr("sys.stdin", Terminal(typed))
        outcome = desk.run("apply", "--file", file)
        assert outcome.code == 0 and "Apply these changes?" in outcome.err
        assert [each["name"] for each in desk.done("list", "--selector", "name=asked")] == names
    desk.run("remove", "asked")


def test_the_example_of_the_documentation_is_a_fleet(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "fleet-as-code.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    for folder in ("ca", "secrets"):
        (tmp_path / folder).mkdir()
    for name in re.findall(r"(?:ca|secrets)/[\w.-]+", example):
        (tmp_path / name).write_text("-----BEGIN CERTIFICATE-----\nsomething\n")
    (tmp_path / "fleet.yaml").write_text(example)
    registrations = read_registrations(tmp_path / "fleet.yaml")
    assert [each.cluster.name for each in registrations] == ["shop-eu", "edge-7", "lab"]
    assert registrations[2].credential is None


MISTAKES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "one name twice": (
        [{"name": "a", "endpoints": {"loki": {"url": "https://l.example"}}}] * 2,
        "a stands there more than once",
    ),
    "authority twice": (
        [{"name": "a", "endpoints": {"loki": {"url": "https://l.example", "ca_pem": "x", "ca_file": "y"}}}],
        "is given twice, as ca_pem and as ca_file",
    ),
    "no such file": (
        [{"name": "a", "endpoints": {"loki": {"url": "https://l.example", "credential": {"token_file": "nowhere"}}}}],
        "clusters[0]: nowhere cannot be read",
    ),
    "no such endpoint": ([{"name": "a", "endpoints": {"grafana": {"url": "https://g.example"}}}], "clusters[0]"),
    "secret in the file": (
        [{"name": "a", "endpoints": {"loki": {"url": "https://l.example", "credential": {"token": "canary"}}}}],
        "endpoints.loki.credential.token: Extra inputs are not permitted",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_in_a_file_are_told_with_their_place(mistake: str, desk: Desk, tmp_path: Path) -> None:
    clusters, said = MISTAKES[mistake]
    file = tmp_path / "fleet.yaml"
    file.write_text(yaml.safe_dump({"clusters": clusters}))
    outcome = desk.run("apply", "--file", file, "--yes")
    assert outcome.code == 2
    assert said in " ".join(outcome.err.split())
    assert "canary" not in outcome.err


# --- one cluster --------------------------------------------------------------------------------------------------


def test_a_cluster_is_added_updated_and_switched_off_and_on(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("canary-token")
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\ny\n-----END CERTIFICATE-----\n")
    kinds = ("kubernetes", "prometheus", "alertmanager", "loki", "tempo", "korrel8r")
    urls = [word for kind in kinds for word in (f"--{kind}", f"https://{kind}.example")]
    [cluster] = desk.done("add", "one-a", *urls, "--label", "tier=edge", "--label", "trial=yes", "--region", "eu")
    assert set(cluster["endpoints"]) == set(kinds) and cluster["credential_ref"] is None
    # Each address stands whole on its line, however narrow the terminal.
    assert {f"{kind} https://{kind}.example" for kind in kinds} <= set(desk.run("show", "one-a").out.splitlines())

    options = (
        "--environment",
        "prod",
        "--label",
        "tier=core",
        "--remove-label",
        "trial",
        "--remove-endpoint",
        "korrel8r",
    )
    changed = desk.done("update", "one-a", *options, "--loki", "https://logs.example", "--ca-file", tmp_path / "ca.pem")
    assert (changed["cluster"]["environment"], changed["cluster"]["region"]) == ("prod", "eu")
    assert changed["cluster"]["labels"] == {"tier": "core"}
    assert set(changed["cluster"]["endpoints"]) == set(kinds) - {"korrel8r"}
    assert changed["cluster"]["endpoints"]["loki"]["url"] == "https://logs.example"
    # The authority is for the endpoint that is named.
    assert [kind for kind, each in changed["cluster"]["endpoints"].items() if each["ca_pem"]] == ["loki"]
    assert {each["field"] for each in changed["differences"]} >= {"environment", "labels.tier", "labels.trial"}
    told = desk.run("update", "one-a", "--insecure", "--token-file", tmp_path / "token")
    assert told.code == 0 and "endpoints.tempo.verify_tls: yes → no" in told.out and "credential: added" in told.out
    assert "canary" not in told.out + told.err
    assert desk.token("clusters/one-a", "loki") == "canary-token"
    assert "1 unchanged" in desk.run("update", "one-a", "--region", "eu").out

    # Registering it anew without a credential leaves the one that is there.
    [added] = desk.done("add", "one-a", "--kubernetes", "https://kubernetes.example")
    assert added["credential_ref"] == "clusters/one-a" and added["labels"] == {}
    assert "fleetscope cluster endpoints one-a" in desk.run("add", "one-a", "--kubernetes", "https://k.example").err

    assert desk.run("deactivate", "one-a", "nowhere").code == 2
    assert desk.done("show", "one-a")["cluster"]["active"]
    assert desk.run("deactivate", "one-a").code == 0
    assert "one-a" not in {each.name for each in desk.installation.stores.clusters.list()}
    listed = desk.run("list", "--selector", "name=one-a").out
    assert "inactive" in listed and "…" not in listed
    assert desk.run("activate", "one-a").code == 0
    assert "one-a" in {each.name for each in desk.installation.stores.clusters.list()}
    assert desk.run("update", "one-a", "--remove-endpoint", "kubernetes").code == 2
    assert desk.run("update", "one-a", "--remove-endpoint", "grafana").code == 2
    assert desk.run("update", "one-a", "--prometheus", "nonsense").code == 2
    assert desk.run("remove", "one-a").code == 0
    with pytest.raises(CredentialMissing):
        desk.token("clusters/one-a")


# --- kubeconfigs --------------------------------------------------------------------------------------------------


def test_contexts_are_imported_and_the_cluster_answers(desk: Desk, tmp_path: Path) -> None:
    marker = tmp_path / "it-ran"
    config = yaml.safe_load((desk.fleet.directory / "kubeconfig").read_text())
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(marker)]}
    config["users"].append({"name": "plugin", "user": {"exec": plugin}})
    config["clusters"].append({"name": "eks", "cluster": {"server": "https://eks.example"}})
    config["contexts"].append({"name": "arn:aws:eks:x/Shop", "context": {"cluster": "eks", "user": "plugin"}})
    for each in config["contexts"][:2]:
        each["name"] = f"import/{each['name']}"
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config))

    unchosen = desk.run("import", "--kubeconfig", file)
    assert unchosen.code == 2 and "import/" in unchosen.err and "arn:aws:eks:x/Shop" in unchosen.err
    assert desk.run("import", "--kubeconfig", file, "--context", "nowhere").code == 2
    dry = desk.run("import", "--kubeconfig", file, "--all", "--dry-run")
    assert dry.code == 4 and "Nothing was changed" in dry.out
    imported = desk.run("import", "--kubeconfig", file, "--all", "--environment", "lab", "--label", "from=kubeconfig")
    assert imported.code == 4, imported
    names = [f"import-{name}" for name in desk.fleet.names]
    assert all(f"+ {name} added" in imported.out for name in names)
    assert "programs that a kubeconfig names are never run" in imported.err
    assert "create token fleetscope" in imported.err
    assert not marker.exists()
    for name in desk.fleet.names:
        assert desk.fleet.token(name) not in imported.out + imported.err
        assert desk.token(f"clusters/import-{name}") == desk.fleet.token(name)
    listed = desk.done("list", "--selector", "from=kubeconfig")
    assert [each["name"] for each in listed] == sorted(names)
    assert {each["environment"] for each in listed} == {"lab"}
    found = desk.installation.fleetscope("discover", "--cluster", names[0], "--allow-gaps", "--json")
    assert found.code == 0, found.err
    assert found.json["inventories"][names[0]]["nodes"]

    # A second time nothing changes; a context alone, with a token of its own, is taken even from a program's user.
    again = desk.run("import", "--kubeconfig", file, "--all", "--label", "from=kubeconfig", "--json").json
    assert {each["step"] for each in again["changes"]} == {"unchanged"}
    (tmp_path / "token").write_text("canary-token")
    alone = ("--context", "arn:aws:eks:x/Shop", "--name", "shop", "--token-file", tmp_path / "token")
    taken = desk.done("import", "--kubeconfig", file, *alone)
    assert [each["name"] for each in taken["imported"]] == ["shop"]
    assert desk.token("clusters/shop") == "canary-token"
    assert not marker.exists()
    for name in (*names, "shop"):
        desk.run("remove", name)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kubeconfig", "/dev/zero", "--all"], "no plain file"),
        (["--kubeconfig", "nowhere", "--all"], "nowhere cannot be read"),
        ([], "--kubeconfig or an --acm"),
        (["--acm", "nowhere"], "no cluster named 'nowhere'"),
        (["--acm", "x", "--all"], "are for a --kubeconfig"),
    ],
)
def test_import_mistakes(arguments: list[str], said: str, desk: Desk) -> None:
    outcome = desk.run("import", *arguments)
    assert outcome.code == 2
    assert said in " ".join(outcome.err.split())


# --- a hub --------------------------------------------------------------------------------------------------------


def test_clusters_of_a_hub_wait_for_their_credentials(desk: Desk, tmp_path: Path) -> None:
    hub, other = desk.fleet.names
    entries = {each["name"]: each for each in desk.fleet.registration["clusters"]}
    token = desk.fleet.directory / f"{hub}.token"
    api = entries[hub]["endpoints"]["kubernetes"]["url"]
    ca = ("--ca-file", desk.fleet.directory / "ca.pem")
    desk.done("add", "the-hub", "--kubernetes", api, "--token-file", token, *ca)

    imported = desk.run("import", "--acm", "the-hub", "--label", "from=acm")
    assert imported.code == 0, imported
    assert f"+ {other} added" in imported.out and "~ the-hub changed" in imported.out
    assert "it is the hub itself" in imported.out
    assert f"inactive: {other}" in imported.err
    cluster = desk.done("show", other)["cluster"]
    assert not cluster["active"] and cluster["credential_ref"] is None
    assert cluster["endpoints"]["kubernetes"]["url"] == entries[other]["endpoints"]["kubernetes"]["url"]
    assert desk.done("show", "the-hub")["cluster"]["active"]
    assert {each["name"] for each in desk.done("list", "--selector", "from=acm")} == {other, "the-hub"}

    own = desk.fleet.directory / f"{other}.token"
    with_token = desk.done("import", "--acm", "the-hub", "--token-file", own)
    assert {each["name"]: each["step"] for each in with_token["changes"]} == {"the-hub": "unchanged", other: "changed"}
    assert desk.done("show", other)["cluster"]["active"]
    assert desk.token(f"clusters/{other}") == desk.fleet.token(other)
    assert desk.token("clusters/the-hub") == desk.fleet.token(hub)
    no_hub = desk.run("import", "--acm", other)
    assert no_hub.code == 2
    assert f"{other} is no hub of Advanced Cluster Management" in " ".join(no_hub.err.split())
    for name in (other, "the-hub"):
        desk.run("remove", name)


# --- endpoints ----------------------------------------------------------------------------------------------------


def test_endpoints_are_found_stored_and_scanned_through_the_api(desk: Desk, tmp_path: Path) -> None:
    name = next(e["name"] for e in desk.fleet.registration["clusters"] if e["labels"]["platform"] == "vanilla")
    entry = next(each for each in desk.fleet.registration["clusters"] if each["name"] == name)
    file = tmp_path / "fleet.yaml"
    # The API's credential is its own: what is reached through the API has to take the same.
    kubernetes = {**entry["endpoints"]["kubernetes"], "credential": entry["credential"]}
    file.write_text(yaml.safe_dump({"clusters": [{"name": "charts", "endpoints": {"kubernetes": kubernetes}}]}))
    added = desk.run("add", "--file", file)
    assert "fleetscope cluster endpoints charts" in added.err

    shown = desk.run("endpoints", "charts")
    assert shown.code == 0, shown
    assert "Service monitoring/kube-prometheus-stack-prometheus" in shown.out
    assert "--store" in shown.err
    assert set(desk.done("show", "charts")["cluster"]["endpoints"]) == {"kubernetes"}
    stored = desk.done("endpoints", "charts", "--store")
    assert stored["stored"]
    endpoints = desk.done("show", "charts")["cluster"]["endpoints"]
    assert set(endpoints) == {"kubernetes", "prometheus", "alertmanager", "loki", "tempo"}
    assert "/services/http:kube-prometheus-stack-prometheus:9090/proxy" in endpoints["prometheus"]["url"]
    assert desk.token("clusters/charts", "prometheus") == desk.fleet.token(name)
    assert desk.done("endpoints", "charts", "--store")["stored"] == []
    assert desk.run("endpoints", "charts", "--choose", "https://nowhere.example").code == 2
    operated = next(
        each["candidate"]["endpoint"]["url"]
        for each in stored["candidates"]
        if each["candidate"]["found"] == "Service monitoring/prometheus-operated"
    )
    desk.done("endpoints", "charts", "--choose", operated)
    assert desk.done("show", "charts")["cluster"]["endpoints"]["prometheus"]["url"] == operated

    pack = write_pack(tmp_path / "pack.yaml", ("node_cpu_util", "container_restarts"))
    result = desk.installation.scan(["charts"], until=ANCHOR, last_hours=2, pack=str(pack))
    assert [(row.status, row.seen_ratio) for row in result.coverage] == [("ok", 1)]
    counts = desk.fleet.requests()["clusters"][name]
    assert "/api/v1/query_range" in json.dumps(counts)
    assert desk.fleet.token(name) not in shown.out + shown.err + json.dumps(stored)
    desk.run("remove", "charts")


def test_routes_of_an_openshift_are_shown_with_why(desk: Desk) -> None:
    name = next(e["name"] for e in desk.fleet.registration["clusters"] if e["labels"]["platform"] == "openshift")
    entry = next(each for each in desk.fleet.registration["clusters"] if each["name"] == name)
    token = desk.fleet.directory / f"{name}.token"
    ca = ("--ca-file", desk.fleet.directory / "ca.pem")
    desk.done("add", "routed", "--kubernetes", entry["endpoints"]["kubernetes"]["url"], "--token-file", token, *ca)
    found = desk.done("endpoints", "routed", "--store")
    kinds = {EndpointKind(each["candidate"]["kind"]) for each in found["candidates"]}
    assert kinds >= {EndpointKind.PROMETHEUS, EndpointKind.ALERTMANAGER, EndpointKind.LOKI, EndpointKind.TEMPO}
    assert found["candidates"][0]["candidate"]["found"] == "Route openshift-monitoring/thanos-querier"
    # Nothing that does not answer is stored unasked.
    answering = {each["candidate"]["kind"] for each in found["candidates"] if each["answer"]["status"] == "ok"}
    assert set(desk.done("show", "routed")["cluster"]["endpoints"]) == {"kubernetes"} | answering
    desk.fleet.deny(name, "list routes.route.openshift.io")
    try:
        blind = desk.run("endpoints", "routed")
    finally:
        desk.fleet.allow(name)
    assert blind.code == 4
    assert "missing right: list routes.route.openshift.io" in " ".join(blind.out.split())
    desk.run("remove", "routed")
