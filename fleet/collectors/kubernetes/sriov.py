"""SR-IOV: what the operator's daemon found on each node's network cards.

Form: SriovNetworkNodeState of https://github.com/k8snetworkplumbingwg/sriov-network-operator, irregular keys included.
"""

from __future__ import annotations

import re
from collections import Counter

import msgspec

from fleet.collectors.kubernetes.objects import Metadata, Object
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.network_hardware import SriovInterface, SriovNode

_SPEED = re.compile(r"\s*(\d{1,9})")


class _Group(Object):
    resource_name: str | None = None


class _WantedInterface(Object):
    pci_address: str | None = None
    vf_groups: list[_Group] | None = None


class _Spec(Object):
    interfaces: list[_WantedInterface] | None = None


class _Function(Object):
    driver: str | None = None


class _Interface(Object):
    name: str | None = None
    pci_address: str | None = None
    driver: str | None = None
    vendor: str | None = None
    device_id: str | None = msgspec.field(default=None, name="deviceID")
    mtu: int | None = None
    num_vfs: int | None = None
    link_speed: str | int | float | None = None
    total_vfs: int | None = msgspec.field(default=None, name="totalvfs")
    functions: list[_Function] | None = msgspec.field(default=None, name="Vfs")


class _Status(Object):
    sync_status: str | None = None
    last_sync_error: str | None = None
    interfaces: list[_Interface] | None = None


class SriovNodeStateObject(Object):
    """sriovnetwork.openshift.io/v1 SriovNetworkNodeState."""

    metadata: Metadata
    spec: _Spec | None = None
    status: _Status | None = None


def read_node_state(seen: SriovNodeStateObject) -> SriovNode:
    """A node's state; the object has the node's name."""
    spec, status = seen.spec or _Spec(), seen.status or _Status()
    resources: dict[str, list[str]] = {}
    for wanted in spec.interfaces or []:
        names = {clean(group.resource_name, 80) for group in wanted.vf_groups or []} - {""}
        resources[wanted.pci_address or ""] = sorted(names)
    return SriovNode(
        node=clean(seen.metadata.name, NAME_CHARACTERS),
        sync_status=clean(status.sync_status, 40),
        sync_error=clean(status.last_sync_error),
        interfaces=[_interface(each, resources.get(each.pci_address or "", [])) for each in status.interfaces or []],
    )


def _interface(seen: _Interface, resources: list[str]) -> SriovInterface:
    return SriovInterface(
        name=clean(seen.name, 60),
        pci_address=clean(seen.pci_address, 20),
        driver=clean(seen.driver, 40),
        vendor=clean(seen.vendor, 10),
        device=clean(seen.device_id, 10),
        vfs=seen.num_vfs or 0,
        max_vfs=seen.total_vfs or 0,
        vf_drivers=dict(Counter(clean(each.driver, 40) or "unknown" for each in seen.functions or [])),
        resources=resources,
        mtu=seen.mtu,
        link_speed_mbps=_speed(seen.link_speed),
    )


def _speed(told: str | float | None) -> int | None:
    """Megabits a second from ``25000``, ``25000 Mb/s``, ``-1 Mb/s`` (the link is down) or nothing."""
    match = _SPEED.match(str(told)) if told is not None else None
    return int(match[1]) if match else None
