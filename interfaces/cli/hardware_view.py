"""GPUs, virtual functions, clocks and huge pages of a cluster in words."""

from __future__ import annotations

from collections import Counter, defaultdict

from fleet.inventory.inventory import Inventory
from fleet.inventory.node import DeviceCapacity, Node
from interfaces.cli.tables import printable

_MOST = 6


def gpu_words(inventory: Inventory) -> str:
    """GPUs by product, with driver, MIG and devices that a node has and does not offer."""
    parts: list[str] = []
    kinds: Counter[tuple[str, str, str]] = Counter()
    places: Counter[tuple[str, str, str]] = Counter()
    instances: Counter[str] = Counter()
    for node in inventory.nodes:
        if node.gpus is None:
            continue
        kind = (node.gpus.product or "GPU", node.gpus.driver, node.gpus.mig_strategy)
        kinds[kind] += node.gpus.count
        places[kind] += 1
        instances.update({profile: device.capacity for profile, device in node.gpus.instances.items()})
    for (product, driver, strategy), count in sorted(kinds.items()):
        about = [f"on {_nodes(places[product, driver, strategy])}", f"driver {driver}" if driver else ""]
        about.append(f"MIG {strategy}" if strategy not in {"", "none"} else "")
        parts.append(printable(f"{count} × {product} {', '.join(part for part in about if part)}"))
    if instances:
        slices = ", ".join(f"{count} × {profile}" for profile, count in sorted(instances.items()))
        parts.append(printable(f"MIG instances {slices}"))
    parts.extend(_unhealthy(inventory.nodes, ("nvidia.com/",)))
    policies = [f"policy {each.name} {each.state or 'says no state'}" for each in inventory.gpu_policies]
    return "; ".join([*parts, *map(printable, policies)])


def sriov_words(inventory: Inventory) -> str:
    """Virtual functions, the resources that they are offered as, and nodes whose state is not in order."""
    used = [node for node in inventory.sriov_nodes if node.vfs]
    parts = [f"{sum(node.vfs for node in used)} virtual functions on {_nodes(len(used))}"]
    names = {name for node in used for interface in node.interfaces for name in interface.resources}
    totals: defaultdict[str, DeviceCapacity] = defaultdict(DeviceCapacity)
    offered: set[str] = set()
    for node in inventory.nodes:
        for name, device in node.devices.items():
            if name.rpartition("/")[2] in names:
                offered.add(name)
                totals[name].capacity += device.capacity
                totals[name].allocatable += device.allocatable
    resources = [_offered(name, totals[name]) for name in sorted(offered)]
    if resources:
        parts.append(", ".join(resources[:_MOST]))
    failed = [node for node in inventory.sriov_nodes if node.sync_status not in {"", "Succeeded"}]
    parts.extend(
        f"[bold red]{printable(node.node)} {printable(node.sync_status)}[/] {printable(node.sync_error)}".strip()
        for node in failed[:_MOST]
    )
    return "; ".join(parts)


def ptp_words(inventory: Inventory) -> str:
    """Profiles that are matched to nodes, with what they make of them."""
    parts = [
        printable(f"{profile.name} ({profile.role.value}) on {_listed(profile.nodes)}")
        for profile in inventory.ptp_profiles
        if profile.nodes
    ]
    idle = sum(not profile.nodes for profile in inventory.ptp_profiles)
    if idle:
        parts.append(f"{idle} matched to no node")
    if inventory.ptp_events is not None:
        parts.append(f"events {'are' if inventory.ptp_events else 'are not'} published")
    return "; ".join(parts)


def dpdk_words(inventory: Inventory) -> str:
    """Who takes huge pages and devices, and the CPUs that are kept for them."""
    known = next((each.reason for each in inventory.capabilities if each.name == "dpdk"), "")
    profiles = [
        f"profile {each.name} isolates CPUs {each.isolated_cpus or 'none'}"
        + (", real-time kernel" if each.real_time else "")
        for each in inventory.performance_profiles
    ]
    return printable("; ".join([known, *profiles[:_MOST]]))


def _offered(name: str, total: DeviceCapacity) -> str:
    words = printable(f"{name} {total.allocatable} of {total.capacity}")
    return f"[yellow]{words}[/]" if total.unhealthy else words


def _unhealthy(nodes: list[Node], prefixes: tuple[str, ...]) -> list[str]:
    found = [
        f"[bold red]{printable(node.name)} offers {device.allocatable} of {device.capacity} {printable(name)}[/]"
        for node in nodes
        for name, device in node.devices.items()
        if name.startswith(prefixes) and device.unhealthy
    ]
    return found[:_MOST]


def _nodes(number: int) -> str:
    return "1 node" if number == 1 else f"{number} nodes"


def _listed(names: list[str]) -> str:
    left = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {left} more" if left > 0 else "")
