"""What discovery saw of a cluster, at a glance. Text from clusters is escaped: it never becomes markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table

from fleet.inventory.alike import told_together
from fleet.inventory.change import Change
from fleet.inventory.cluster import Cluster
from fleet.inventory.inventory import Inventory, Presence
from fleet.inventory.operators import Operator
from interfaces.cli.hardware_view import dpdk_words, gpu_words, ptp_words, sriov_words
from interfaces.cli.tables import printable, utc

_MOST_NAMES = 8
_MOST_CHANGES = 40
_ROLES = ("control-plane", "worker", "edge", "infra")


def print_inventory(console: Console, cluster: Cluster, inventory: Inventory) -> None:
    """A cluster: version, platform, nodes, hardware, operators, what is not well, what is absent and what unknown."""
    console.print(
        f"[bold]{printable(cluster.name)}[/]: {_version(inventory)}, {counted(len(inventory.nodes), 'node')}, "
        f"{counted(len(inventory.workloads), 'workload')}, {counted(len(inventory.pods), 'pod')}, "
        f"seen {utc(inventory.observed_at)}",
        soft_wrap=True,
    )
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for label, words in _rows(cluster, inventory):
        if words:
            grid.add_row(f"  {label}", words)
    console.print(grid)


def print_changes(console: Console, changes: Sequence[Change], since: datetime) -> None:
    """What changed since the look before, the latest last; what happened alike to many things is one line."""
    changes = told_together(changes)
    if not changes:
        console.print(f"  nothing changed since {utc(since)}")
        return
    console.print(f"  [bold]changed since {utc(since)}:[/]")
    left = len(changes) - _MOST_CHANGES
    if left > 0:
        console.print(f"    {left} earlier ones are left out: see `fleetscope cluster history`")
    for change in changes[-_MOST_CHANGES:]:
        console.print(f"    {when(change)}  {printable(change.summary)}", soft_wrap=True)


def change_table(changes: Iterable[Change]) -> Table:
    """Changes as a table, in the order given; what happened alike to many things is one row."""
    table = Table("when (UTC)", "kind", "what", "source")
    for change in told_together(changes):
        table.add_row(when(change), change.kind.value, printable(change.summary), printable(change.source))
    return table


def when(change: Change) -> str:
    """When a change was: at a time, or by a time where nobody dated it."""
    return f"by {utc(change.at)}" if change.not_before else utc(change.at)


def counted(number: int, word: str) -> str:
    """A number with its noun."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _version(inventory: Inventory) -> str:
    kubernetes = f"Kubernetes {printable(inventory.version or 'of unknown version')}"
    if inventory.platform != "OpenShift":
        return kubernetes
    openshift = f"OpenShift {printable(inventory.platform_version or 'of unknown version')}"
    target = f" → {printable(inventory.platform_target)}" if inventory.platform_target else ""
    return f"{openshift}{target} ({kubernetes})"


def _rows(cluster: Cluster, inventory: Inventory) -> list[tuple[str, str]]:
    return [
        ("platform", _platform(inventory)),
        ("nodes", _nodes(inventory)),
        ("GPUs", told(inventory, "gpus", gpu_words(inventory))),
        ("SR-IOV", told(inventory, "sriov", sriov_words(inventory))),
        ("PTP", told(inventory, "ptp", ptp_words(inventory))),
        ("hugepages", told(inventory, "hugepages")),
        ("DPDK", told(inventory, "dpdk", dpdk_words(inventory))),
        ("operators", told(inventory, "olm", _operators(inventory))),
        ("cluster operators", _cluster_operators(inventory)),
        ("machine config", _pools(inventory)),
        ("storage", _storage(inventory)),
        ("old APIs in use", _deprecated(inventory)),
        ("endpoints", _endpoints(cluster)),
        *_presences(inventory),
        *(("[bold red]unknown[/]", f"{printable(gap.part)}: {printable(gap.reason)}") for gap in inventory.gaps),
    ]


def told(inventory: Inventory, capability: str, words: str = "") -> str:
    """A capability in words: what it is where it is there; absent, unused and unknown said as such, with the reason."""
    known = next((each for each in inventory.capabilities if each.name == capability), None)
    if known is None:
        return "[bold red]unknown[/]"
    reason = printable(known.reason)
    match known.presence:
        case Presence.PRESENT:
            return words or reason
        case Presence.UNUSED:
            return f"[yellow]{reason}[/]"
        case Presence.ABSENT:
            return f"absent [dim]({reason})[/]"
        case Presence.UNKNOWN:
            return f"[bold red]unknown[/]: {reason}"


def _platform(inventory: Inventory) -> str:
    below = inventory.infrastructure
    if below is None:
        return ""
    alone = "single node" if len(inventory.nodes) == 1 else "single control-plane node"
    topology = alone if below.single_node else below.control_plane_topology
    channel = f"channel {inventory.platform_channel}" if inventory.platform_channel else ""
    return printable(", ".join(part for part in (below.provider, topology, channel) if part))


def _nodes(inventory: Inventory) -> str:
    roles = Counter(role for node in inventory.nodes for role in node.roles or ["no role"])
    ordered = sorted(roles, key=lambda role: (_ROLES.index(role) if role in _ROLES else len(_ROLES), role))
    parts = [printable(f"{roles[role]} {role.replace('-', ' ')}") for role in ordered]
    for style, number, words in (
        ("bold red", sum(node.ready is False for node in inventory.nodes), "not ready"),
        ("bold red", sum(node.ready is None for node in inventory.nodes), "of unknown readiness"),
        ("yellow", sum(node.unschedulable for node in inventory.nodes), "cordoned"),
    ):
        if number:
            parts.append(f"[{style}]{number} {words}[/]")
    return ", ".join(parts)


def _operators(inventory: Inventory) -> str:
    names = [printable(f"{each.name} {each.version}".strip()) for each in inventory.operators]
    words = f"{len(names)}: {some(names)}"
    ill = [
        f"[bold red]{printable(each.name)} {printable(_phase(each))}[/]"
        for each in inventory.operators
        if each.phase != "Succeeded"
    ]
    waiting = [printable(f"{each.name} → {each.pending}") for each in inventory.operators if each.pending and each.csv]
    if ill:
        words += f"; not well: {some(ill)}"
    return f"{words}; waiting: {some(waiting)}" if waiting else words


def _phase(operator: Operator) -> str:
    return operator.phase or ("of unknown phase" if operator.csv else "not installed")


def _cluster_operators(inventory: Inventory) -> str:
    if not inventory.cluster_operators:
        return ""
    ill = [each for each in inventory.cluster_operators if not each.well]
    if not ill:
        return f"{len(inventory.cluster_operators)}, all well"
    words = [f"[bold red]{printable(each.name)}[/] {printable(each.message)}".strip() for each in ill]
    return f"{len(inventory.cluster_operators)}, not well: {some(words)}"


def _pools(inventory: Inventory) -> str:
    words = []
    for pool in inventory.machine_config_pools:
        state = ", ".join(
            part
            for part in (
                f"{pool.updated} of {counted(pool.machines, 'machine')}",
                "[yellow]updating[/]" if pool.updating else "",
                "[bold red]degraded[/]" if pool.degraded else "",
                "paused" if pool.paused else "",
            )
            if part
        )
        words.append(f"{printable(pool.name)} ({state})")
    return some(words)


def _storage(inventory: Inventory) -> str:
    parts = []
    for each in inventory.storage_systems:
        words = " ".join(part for part in (each.kind, each.name, each.phase, each.health) if part)
        style = "bold red" if each.health not in {"", "HEALTH_OK"} or each.phase not in {"", "Ready"} else ""
        parts.append(f"[{style}]{printable(words)}[/]" if style else printable(words))
    return some(parts)


def _deprecated(inventory: Inventory) -> str:
    return some(
        [
            printable(f"{each.resource} (gone in {each.removed_in}, {each.requests_last_hour} requests last hour)")
            for each in inventory.deprecated_apis
        ]
    )


def _endpoints(cluster: Cluster) -> str:
    return ", ".join(sorted(printable(f"{kind.value} {endpoint.url}") for kind, endpoint in cluster.endpoints.items()))


_SHOWN_APART = frozenset({"gpus", "sriov", "ptp", "hugepages", "dpdk", "olm"})


def _presences(inventory: Inventory) -> list[tuple[str, str]]:
    """The capabilities that have no line of their own, by presence."""
    rows = []
    for presence in (Presence.PRESENT, Presence.UNUSED, Presence.ABSENT):
        names = [
            each.name for each in inventory.capabilities if each.presence is presence and each.name not in _SHOWN_APART
        ]
        rows.append((presence.value, printable(", ".join(sorted(names)))))
    unknown = [
        f"{printable(each.name)} [dim]({printable(each.reason)})[/]"
        for each in inventory.capabilities
        if each.presence is Presence.UNKNOWN and each.name not in _SHOWN_APART
    ]
    return [*rows, ("[bold red]unknown[/]", ", ".join(unknown))]


def some(words: Sequence[str]) -> str:
    """The first of several, and how many more there are."""
    left = len(words) - _MOST_NAMES
    return ", ".join(words[:_MOST_NAMES]) + (f" and {left} more" if left > 0 else "")
