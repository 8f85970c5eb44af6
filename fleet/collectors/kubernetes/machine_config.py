"""How machines are set up: MachineConfigPools and PerformanceProfiles."""

from __future__ import annotations

from collections import defaultdict

from fleet.collectors.kubernetes.objects import Condition, Metadata, Object
from fleet.collectors.kubernetes.openshift import holds
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.platform import MachineConfigPool, PerformanceProfile


class _Configuration(Object):
    name: str | None = None


class _PoolSpec(Object):
    configuration: _Configuration | None = None
    paused: bool | None = None


class _PoolStatus(Object):
    configuration: _Configuration | None = None
    machine_count: int | None = None
    updated_machine_count: int | None = None
    unavailable_machine_count: int | None = None
    degraded_machine_count: int | None = None
    conditions: list[Condition] | None = None


class MachineConfigPoolObject(Object):
    """machineconfiguration.openshift.io/v1 MachineConfigPool."""

    metadata: Metadata
    spec: _PoolSpec | None = None
    status: _PoolStatus | None = None


def read_pool(seen: MachineConfigPoolObject) -> MachineConfigPool:
    """A pool: ``rendered`` is the configuration that all its machines have, ``target`` the one they are to get."""
    spec, status = seen.spec or _PoolSpec(), seen.status or _PoolStatus()
    conditions = {each.type: each for each in status.conditions or []}
    degraded, updating = conditions.get("Degraded"), conditions.get("Updating")
    telling = degraded if holds(degraded) else updating
    rendered = clean(status.configuration.name if status.configuration else None, NAME_CHARACTERS)
    target = clean(spec.configuration.name if spec.configuration else None, NAME_CHARACTERS)
    return MachineConfigPool(
        name=clean(seen.metadata.name, NAME_CHARACTERS),
        rendered=rendered,
        target=target if target != rendered else "",
        machines=status.machine_count or 0,
        updated=status.updated_machine_count or 0,
        unavailable=status.unavailable_machine_count or 0,
        degraded_machines=status.degraded_machine_count or 0,
        updating=holds(updating),
        degraded=holds(degraded),
        paused=bool(spec.paused),
        message=clean(telling.message if telling is not None and holds(telling) else None),
        since=telling.last_transition_time if telling is not None else None,
    )


class _Cpu(Object):
    isolated: str | None = None
    reserved: str | None = None


class _Pages(Object):
    size: str | None = None
    count: int | None = None


class _Hugepages(Object):
    pages: list[_Pages] | None = None


class _RealTimeKernel(Object):
    enabled: bool | None = None


class _ProfileSpec(Object):
    cpu: _Cpu | None = None
    hugepages: _Hugepages | None = None
    real_time_kernel: _RealTimeKernel | None = None
    node_selector: dict[str, str] | None = None


class PerformanceProfileObject(Object):
    """performance.openshift.io/v2 PerformanceProfile."""

    metadata: Metadata
    spec: _ProfileSpec | None = None


def read_profile(seen: PerformanceProfileObject) -> PerformanceProfile:
    """A profile; hugepages of one size on several NUMA nodes are added up."""
    spec = seen.spec or _ProfileSpec()
    cpu = spec.cpu or _Cpu()
    pages: defaultdict[str, int] = defaultdict(int)
    for each in (spec.hugepages.pages if spec.hugepages else None) or []:
        pages[clean(each.size, 10)] += each.count or 0
    return PerformanceProfile(
        name=clean(seen.metadata.name, NAME_CHARACTERS),
        isolated_cpus=clean(cpu.isolated, 200),
        reserved_cpus=clean(cpu.reserved, 200),
        hugepages=dict(pages),
        real_time=bool(spec.real_time_kernel and spec.real_time_kernel.enabled),
        node_selector={clean(key, 317): clean(value, 63) for key, value in (spec.node_selector or {}).items()},
    )
