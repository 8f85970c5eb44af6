"""Network cards and clocks: virtual functions, drivers, firmware, PTP profiles."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.differences.looks import GROUPS, Looks, seen
from fleet.inventory.network_hardware import PtpProfile, SriovInterface, SriovNode
from fleet.inventory.subject import SubjectKind


def hardware(looks: Looks) -> Iterator[Change]:
    """What differs in SR-IOV and PTP."""
    for name, old, new in looks.both(lambda look: look.sriov_nodes, lambda each: each.node):
        yield from _sriov(looks, name, old, new)
    yield from _profiles(looks)
    devices = looks.both(lambda look: look.ptp_devices, lambda each: f"{each.node}/{each.name}")
    for _, earlier, later in devices:
        facts = [
            ("firmware", earlier.firmware, later.firmware),
            ("driver", earlier.driver_version, later.driver_version),
        ]
        for what, was, now in facts:
            if was and now and was != now:
                subject = looks.subject(SubjectKind.DEVICE, later.node, part=later.name)
                words = f"The {what} of {later.name} on node {later.node} went from {was} to {now}"
                yield looks.change(ChangeKind.DRIVER, subject, words, (was, now))


def _sriov(looks: Looks, node: str, old: SriovNode, new: SriovNode) -> Iterator[Change]:
    subject = looks.subject(SubjectKind.NODE, node)
    if old.sync_status != new.sync_status and "Failed" in {old.sync_status, new.sync_status}:
        because = f" ({new.sync_error})" if new.sync_error else ""
        words = f"The SR-IOV state of node {node} went from {old.sync_status} to {new.sync_status}{because}"
        moved = (old.sync_status, new.sync_status)
        yield looks.change(ChangeKind.COMPONENT_HEALTH, subject, words, moved)
    earlier = {each.pci_address or each.name: each for each in old.interfaces}
    for interface in new.interfaces:
        known = earlier.get(interface.pci_address or interface.name)
        if known is None:
            continue
        card = looks.subject(SubjectKind.DEVICE, node, part=interface.name)
        if known.driver and interface.driver and known.driver != interface.driver:
            words = f"The driver of {interface.name} on node {node} went from {known.driver} to {interface.driver}"
            yield looks.change(ChangeKind.DRIVER, card, words, (known.driver, interface.driver))
        moved = (_functions(known), _functions(interface))
        if moved[0] != moved[1]:
            words = f"SR-IOV on {interface.name} of node {node}: {moved[0]} → {moved[1]}"
            yield looks.change(ChangeKind.SRIOV_CONFIG, card, words, moved)


def _functions(interface: SriovInterface) -> str:
    drivers = ", ".join(f"{count} {driver}" for driver, count in sorted(interface.vf_drivers.items()))
    resources = ", ".join(interface.resources)
    about = "; ".join(part for part in (drivers, resources, f"MTU {interface.mtu}" if interface.mtu else "") if part)
    return f"{interface.vfs} virtual functions" + (f" ({about})" if about else "")


def _profiles(looks: Looks) -> Iterator[Change]:
    for name, old, new in looks.pairs(lambda look: look.ptp_profiles, lambda each: f"{each.config}/{each.name}"):
        if old == new or not seen(looks.before if old is None else looks.after, "ptpconfigs", GROUPS):
            continue
        subject = looks.subject(SubjectKind.COMPONENT, name, part="PtpConfig")
        was, now = _told(old), _told(new)
        same = " with other settings" if was == now else ""
        words = f"PTP profile {name}: {was or 'none'} → {now or 'none'}{same}"
        change = looks.change(ChangeKind.PTP_CONFIG, subject, words, (was, now))
        digests = {"digests_before": _digests(old), "digests_after": _digests(new)}
        yield change.model_copy(update=digests)


def _told(profile: PtpProfile | None) -> str:
    if profile is None:
        return ""
    return f"{profile.role.value} on {', '.join(profile.nodes) or 'no node'}"


def _digests(profile: PtpProfile | None) -> list[str]:
    return [f"config {profile.digest}"] if profile is not None else []
