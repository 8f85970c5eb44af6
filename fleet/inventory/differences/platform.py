"""Versions, OpenShift's operators, machine configuration and performance profiles."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.differences.looks import GROUPS, Looks, seen
from fleet.inventory.platform import ClusterOperator, MachineConfigPool, PerformanceProfile
from fleet.inventory.subject import SubjectKind

_HEALTH = {(True, False): "well", (True, True): "degraded", (False, False): "not available"}


def platform(looks: Looks) -> Iterator[Change]:
    """What differs in the platform itself."""
    yield from _versions(looks)
    for name, old, new in looks.both(lambda look: look.cluster_operators, lambda each: each.name):
        yield from _operator(looks, name, old, new)
    for name, earlier, later in looks.both(lambda look: look.machine_config_pools, lambda each: each.name):
        yield from _pool(looks, name, earlier, later)
    yield from _profiles(looks)


def _versions(looks: Looks) -> Iterator[Change]:
    before, after = looks.before, looks.after
    subject = looks.subject(SubjectKind.CLUSTER)
    if before.version and after.version and before.version != after.version:
        words = f"The cluster went from version {before.version} to {after.version}"
        yield looks.change(ChangeKind.VERSION, subject, words, (before.version, after.version))
    old, new = before.platform_version, after.platform_version
    told = {(change.before, change.after) for change in after.changes if change.kind is ChangeKind.VERSION}
    # The version history dates an upgrade itself.
    if old and new and old != new and (old, new) not in told:
        words = f"{after.platform} went from {old} to {new}"
        yield looks.change(ChangeKind.VERSION, subject, words, (old, new))
    target = after.platform_target
    if old and new and target and target not in {old, before.platform_target}:
        words = f"An upgrade of {after.platform} from {new} to {target} began"
        began = next((step.started_at for step in after.version_history if step.version == target), None)
        source = "ClusterVersion version history"
        yield looks.change(ChangeKind.VERSION, subject, words, (new, target), at=began, source=source)


def _operator(looks: Looks, name: str, old: ClusterOperator, new: ClusterOperator) -> Iterator[Change]:
    subject = looks.subject(SubjectKind.COMPONENT, name, part="ClusterOperator")
    source = f"ClusterOperator {name} conditions"
    was, now = _health(old), _health(new)
    if was and now and was != now:
        because = f" ({new.message})" if now != "well" and new.message else ""
        words = f"Cluster operator {name} went from {was} to {now}{because}"
        yield looks.change(ChangeKind.COMPONENT_HEALTH, subject, words, (was, now), at=new.since, source=source)
    if old.version and new.version and old.version != new.version:
        words = f"Cluster operator {name} went from version {old.version} to {new.version}"
        yield looks.change(ChangeKind.OPERATOR, subject, words, (old.version, new.version))


def _health(operator: ClusterOperator) -> str:
    """A word for its conditions; "" where it does not tell both."""
    if operator.available is None or operator.degraded is None:
        return ""
    return _HEALTH.get((operator.available, operator.degraded), "not available and degraded")


def _pool(looks: Looks, name: str, old: MachineConfigPool, new: MachineConfigPool) -> Iterator[Change]:
    subject = looks.subject(SubjectKind.COMPONENT, name, part="MachineConfigPool")
    if old.rendered and new.rendered and old.rendered != new.rendered:
        words = f"The machines of pool {name} went from {old.rendered} to {new.rendered}"
        moved = (old.rendered, new.rendered)
        yield looks.change(
            ChangeKind.MACHINE_CONFIG,
            subject,
            words,
            moved,
            at=new.since,
            source=f"MachineConfigPool {name} conditions",
        )
    elif new.target and new.target != old.target:
        words = f"The machines of pool {name} are being taken from {new.rendered or 'nothing'} to {new.target}"
        yield looks.change(ChangeKind.MACHINE_CONFIG, subject, words, (new.rendered, new.target))
    if None not in {old.degraded, new.degraded} and old.degraded != new.degraded:
        states = ("degraded", "well") if old.degraded else ("well", "degraded")
        because = f" ({new.message})" if new.degraded and new.message else ""
        words = f"Machine config pool {name} went from {states[0]} to {states[1]}{because}"
        yield looks.change(ChangeKind.COMPONENT_HEALTH, subject, words, states)


def _profiles(looks: Looks) -> Iterator[Change]:
    pairs = looks.pairs(lambda look: look.performance_profiles, lambda each: each.name)
    for name, old, new in pairs:
        if old == new or not seen(looks.before if old is None else looks.after, "performanceprofiles", GROUPS):
            continue
        subject = looks.subject(SubjectKind.COMPONENT, name, part="PerformanceProfile")
        moved = (_told(old), _told(new))
        words = f"Performance profile {name}: {moved[0] or 'none'} → {moved[1] or 'none'}"
        yield looks.change(ChangeKind.PERFORMANCE_PROFILE, subject, words, moved)


def _told(profile: PerformanceProfile | None) -> str:
    if profile is None:
        return ""
    pages = [f"{count} × {size}" for size, count in sorted(profile.hugepages.items())]
    parts = [
        f"isolated {profile.isolated_cpus or 'none'}",
        f"reserved {profile.reserved_cpus or 'none'}",
        f"hugepages {', '.join(pages) or 'none'}",
        "real-time kernel" if profile.real_time else "ordinary kernel",
        *(f"on {key}={value}" for key, value in sorted(profile.node_selector.items())),
    ]
    return ", ".join(parts)
