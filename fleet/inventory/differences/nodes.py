"""Nodes: who came and went, and what differs on those that stayed."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.differences.looks import Looks, seen
from fleet.inventory.node import DeviceCapacity, Gpus, Node
from fleet.inventory.subject import Subject, SubjectKind

_MADE_BY_OPERATORS = ("feature.node.kubernetes.io/", "nvidia.com/")
"""Labels that say what hardware and drivers are there: told as such, and one of them is a time stamp."""
_MADE_BY_KUBERNETES = "node.kubernetes.io/"
_CORDON = "node.kubernetes.io/unschedulable"
_MEMORY_TOLERANCE = 0.01
"""A restart moves memory by some pages."""


def nodes(looks: Looks) -> Iterator[Change]:
    """What differs in nodes."""
    pairs = looks.pairs(lambda look: look.nodes, lambda each: each.name)
    if seen(looks.before, "nodes"):
        for name, old, new in pairs:
            if old is None and new is not None:
                subject = looks.subject(SubjectKind.NODE, name)
                yield looks.change(
                    ChangeKind.NODE_JOINED,
                    subject,
                    f"Node {name} joined",
                    ("", name),
                    at=new.created_at,
                    source=f"Node {name} creation",
                )
    if seen(looks.after, "nodes"):
        for name, _, new in pairs:
            if new is None:
                subject = looks.subject(SubjectKind.NODE, name)
                yield looks.change(ChangeKind.NODE_LEFT, subject, f"Node {name} left", (name, ""))
    for name, old, new in pairs:
        if old is not None and new is not None:
            yield from _node(looks, looks.subject(SubjectKind.NODE, name), old, new)


def _node(looks: Looks, subject: Subject, old: Node, new: Node) -> Iterator[Change]:
    yield from _software(looks, subject, old, new)
    yield from _labels(looks, subject, old, new)
    yield from _cordon(looks, subject, old, new)
    yield from _capacity(looks, subject, old, new)
    yield from _gpus(looks, subject, old.gpus, new.gpus)


def _software(looks: Looks, subject: Subject, old: Node, new: Node) -> Iterator[Change]:
    facts = [
        (ChangeKind.VERSION, "kubelet", old.kubelet_version, new.kubelet_version),
        (ChangeKind.DRIVER, "kernel", old.kernel_version, new.kernel_version),
        (ChangeKind.DRIVER, "operating system", old.os_image, new.os_image),
        (ChangeKind.DRIVER, "container runtime", old.container_runtime, new.container_runtime),
        (ChangeKind.MACHINE_CONFIG, "machine configuration", old.machine_config, new.machine_config),
    ]
    if old.gpus is not None and new.gpus is not None:
        facts.append((ChangeKind.DRIVER, "GPU driver", old.gpus.driver, new.gpus.driver))
    for kind, what, was, now in facts:
        if was and now and was != now:
            yield looks.change(kind, subject, f"The {what} of node {subject.name} went from {was} to {now}", (was, now))


def _labels(looks: Looks, subject: Subject, old: Node, new: Node) -> Iterator[Change]:
    was, now = _told(old), _told(new)
    gone, come = sorted(was - now), sorted(now - was)
    if gone or come:
        words = ", ".join([*(f"-{each}" for each in gone), *(f"+{each}" for each in come)])
        moved = (", ".join(gone), ", ".join(come))
        yield looks.change(ChangeKind.NODE_LABELS, subject, f"Node {subject.name} was relabelled: {words}", moved)


def _told(node: Node) -> set[str]:
    """Labels and taints that people or installers set."""
    labels = {f"{key}={value}" for key, value in node.labels.items() if not key.startswith(_MADE_BY_OPERATORS)}
    return labels | {f"taint {taint.text}" for taint in node.taints if not taint.key.startswith(_MADE_BY_KUBERNETES)}


def _cordon(looks: Looks, subject: Subject, old: Node, new: Node) -> Iterator[Change]:
    if old.unschedulable == new.unschedulable:
        return
    at = next((taint.added_at for taint in new.taints if taint.key == _CORDON), None)
    closed = new.unschedulable
    words = f"Node {subject.name} was {'closed to new pods (cordoned)' if closed else 'opened to pods again'}"
    moved = ("schedulable", "cordoned") if closed else ("cordoned", "schedulable")
    yield looks.change(
        ChangeKind.NODE_CORDON, subject, words, moved, at=at, source=f"Node {subject.name} taint {_CORDON}"
    )


def _capacity(looks: Looks, subject: Subject, old: Node, new: Node) -> Iterator[Change]:
    facts = [("cores", f"{old.cpu_cores:g}", f"{new.cpu_cores:g}")]
    if abs(new.memory_bytes - old.memory_bytes) > _MEMORY_TOLERANCE * old.memory_bytes:
        facts.append(("memory", _gib(old.memory_bytes), _gib(new.memory_bytes)))
    for size in sorted(old.hugepages_bytes.keys() | new.hugepages_bytes.keys()):
        amounts = (old.hugepages_bytes.get(size, 0), new.hugepages_bytes.get(size, 0))
        facts.append((f"hugepages of {size}", _gib(amounts[0]), _gib(amounts[1])))
    for name in sorted(old.devices.keys() | new.devices.keys()):
        facts.append((name, _pieces(old.devices.get(name)), _pieces(new.devices.get(name))))
    for what, was, now in facts:
        if was != now:
            words = f"Node {subject.name} offers {what}: {now}, where it was {was}"
            yield looks.change(ChangeKind.CAPACITY, subject, words, (f"{what} {was}", f"{what} {now}"))


def _gib(count: int) -> str:
    return f"{count / 2**30:.4g} GiB"


def _pieces(device: DeviceCapacity | None) -> str:
    return f"{device.allocatable} of {device.capacity}" if device is not None else "none"


def _gpus(looks: Looks, subject: Subject, old: Gpus | None, new: Gpus | None) -> Iterator[Change]:
    if old is None or new is None:
        return
    facts = [
        ("product", old.product, new.product),
        ("MIG strategy", old.mig_strategy, new.mig_strategy),
        ("MIG configuration", old.mig_config, new.mig_config),
    ]
    for what, was, now in facts:
        if was != now:
            words = f"The GPUs' {what} on node {subject.name} went from {was or 'none'} to {now or 'none'}"
            yield looks.change(ChangeKind.GPU_CONFIG, subject, words, (was, now))
