"""The shipped ClusterRole is the one of the table of rights, and one that Kubernetes reads."""

from __future__ import annotations

from pathlib import Path

import yaml

from deployments.cluster_role import render
from fleet.collectors.kubernetes.kinds import KINDS

FILE = Path(__file__).parent.parent.parent / "deployments" / "cluster-role.yaml"


def test_the_shipped_role_is_what_the_table_says() -> None:
    assert FILE.read_text(encoding="utf-8") == render()


def test_it_grants_each_list_that_discovery_makes_and_no_write() -> None:
    role = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert (role["apiVersion"], role["kind"]) == ("rbac.authorization.k8s.io/v1", "ClusterRole")
    granted = {
        (verb, group, resource)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert {("list", kind.group, kind.plural) for kind in KINDS} <= granted
    assert {("get", "", "pods/exec"), ("create", "", "pods/exec")} <= granted
    # Nothing but reading: exec asks for a verb of writing, and a review is a question in the form of an object.
    assert {each for each in granted if each[0] not in {"get", "list"}} == {
        ("create", "", "pods/exec"),
        ("create", "authorization.k8s.io", "selfsubjectaccessreviews"),
    }
