"""What changed between two inventories of one cluster, as dated changes."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.inventory import Inventory, Presence, Workload
from fleet.inventory.subject import Subject, SubjectKind

_SOURCE = "difference of two inventories"


def differences(before: Inventory, after: Inventory) -> list[Change]:
    """What is different in ``after``: version, nodes, capabilities, images of workloads, in this order.

    Each change carries the time of the later inventory: it happened at some time between the two. What either of them
    could not see is no difference: nothing appears or vanishes in a part that has a gap, and no capability comes from
    or goes to unknown.

    Raises:
        ValueError: the inventories are of two clusters.
    """
    if before.cluster_id != after.cluster_id:
        raise ValueError(f"inventories of two clusters: {before.cluster_id} and {after.cluster_id}")
    return [
        *_version(before, after),
        *_nodes(before, after),
        *_capabilities(before, after),
        *_workloads(before, after),
    ]


def _change(after: Inventory, kind: ChangeKind, subject: Subject, summary: str, old: str = "", new: str = "") -> Change:
    return Change(
        cluster_id=after.cluster_id,
        kind=kind,
        subject=subject,
        at=after.observed_at,
        summary=summary,
        before=old,
        after=new,
        source=_SOURCE,
    )


def _version(before: Inventory, after: Inventory) -> Iterator[Change]:
    if before.version and after.version and before.version != after.version:
        yield _change(
            after,
            ChangeKind.VERSION,
            Subject(cluster_id=after.cluster_id, kind=SubjectKind.CLUSTER),
            f"The cluster went from version {before.version} to {after.version}",
            before.version,
            after.version,
        )


def _nodes(before: Inventory, after: Inventory) -> Iterator[Change]:
    old = {node.name: node for node in before.nodes}
    new = {node.name: node for node in after.nodes}
    if not _has_gap(before, "nodes"):
        for name in sorted(new.keys() - old.keys()):
            yield _change(after, ChangeKind.NODE_JOINED, _node(after, name), f"Node {name} joined", "", name)
    if not _has_gap(after, "nodes"):
        for name in sorted(old.keys() - new.keys()):
            yield _change(after, ChangeKind.NODE_LEFT, _node(after, name), f"Node {name} left", name, "")
    for name in sorted(old.keys() & new.keys()):
        kubelets = old[name].kubelet_version, new[name].kubelet_version
        if all(kubelets) and kubelets[0] != kubelets[1]:
            words = f"The kubelet of node {name} went from {kubelets[0]} to {kubelets[1]}"
            yield _change(after, ChangeKind.VERSION, _node(after, name), words, *kubelets)


def _capabilities(before: Inventory, after: Inventory) -> Iterator[Change]:
    for capability in sorted(after.capabilities, key=lambda each: each.name):
        old, new = before.presence(capability.name), capability.presence
        if old is new or Presence.UNKNOWN in {old, new}:
            continue
        words = "appeared" if new is Presence.PRESENT else "vanished"
        subject = Subject(cluster_id=after.cluster_id, kind=SubjectKind.COMPONENT, name=capability.name)
        summary = f"The capability {capability.name} {words} ({capability.reason})"
        yield _change(after, ChangeKind.CAPABILITY, subject, summary, old, new)


def _workloads(before: Inventory, after: Inventory) -> Iterator[Change]:
    old = {_key(workload): workload for workload in before.workloads}
    seen_before = {change.id for change in before.changes}
    told = {
        change.subject.identity
        for change in after.changes
        if change.kind is ChangeKind.ROLLOUT and change.id not in seen_before
    }
    for workload in sorted(after.workloads, key=_key):
        known = old.get(_key(workload))
        if known is None or known.images == workload.images:
            continue
        images = ", ".join(known.images), ", ".join(workload.images)
        subject = Subject(
            cluster_id=after.cluster_id,
            kind=SubjectKind.WORKLOAD,
            name=workload.name,
            namespace=workload.namespace,
        )
        # The cluster itself told of this rollout, and when it was.
        if subject.identity in told:
            continue
        words = f"{workload.kind} {workload.namespace}/{workload.name}: {images[0]} → {images[1]}"
        yield _change(after, ChangeKind.ROLLOUT, subject, words, *images)


def _key(workload: Workload) -> tuple[str, str, str]:
    return workload.namespace, workload.kind, workload.name


def _node(inventory: Inventory, name: str) -> Subject:
    return Subject(cluster_id=inventory.cluster_id, kind=SubjectKind.NODE, name=name)


def _has_gap(inventory: Inventory, part: str) -> bool:
    return any(gap.part == part for gap in inventory.gaps)
