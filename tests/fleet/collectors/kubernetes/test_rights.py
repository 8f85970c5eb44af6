"""Rights: how they are asked for, and how a role that grants them is written."""

from __future__ import annotations

from fleet.collectors.kubernetes.rights import cluster_role
from fleet.inventory.validation import Right


def test_a_role_is_merged_as_a_person_would_write_it() -> None:
    rights = [
        Right(verb="list", resource="pods"),
        Right(verb="create", resource="pods", subresource="exec"),
        Right(verb="list", resource="deployments", group="apps"),
        Right(verb="list", resource="statefulsets", group="apps"),
        Right(verb="get", resource="pods", subresource="exec"),
        Right(verb="get", resource="prometheuses", subresource="api", group="monitoring.coreos.com", name="k8s"),
        Right(verb="list", resource="pods"),
    ]
    assert cluster_role(rights, "some") == (
        "apiVersion: rbac.authorization.k8s.io/v1\n"
        "kind: ClusterRole\n"
        "metadata:\n"
        "  name: some\n"
        "rules:\n"
        '  - apiGroups: [""]\n'
        "    resources:\n"
        "      # pods: where they run, restarts, kills for want of memory, image digests, hugepages\n"
        "      - pods\n"
        "    verbs: [list]\n"
        '  - apiGroups: [""]\n'
        "    resources:\n"
        "      # counters inside pods of devices' operators; servers differ in which of get and create they ask for\n"
        "      - pods/exec\n"
        "    verbs: [get, create]\n"
        "  - apiGroups: [apps]\n"
        "    resources:\n"
        "      # workloads with their images and configuration\n"
        "      - deployments\n"
        "      - statefulsets\n"
        "    verbs: [list]\n"
        "  - apiGroups: [monitoring.coreos.com]\n"
        "    resources:\n"
        "      - prometheuses/api\n"
        "    resourceNames: [k8s]\n"
        "    verbs: [get]\n"
    )
    assert cluster_role([]).endswith("rules: []\n")


def test_a_right_reads_as_people_say_it() -> None:
    assert str(Right(verb="list", resource="clusterversions", group="config.openshift.io")) == (
        "list clusterversions.config.openshift.io"
    )
    assert str(Right(verb="create", resource="pods", subresource="exec", namespace="ran")) == "create pods/exec in ran"
