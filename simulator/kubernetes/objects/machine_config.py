"""Machine configuration: pools of nodes and the configurations that they are given."""

from __future__ import annotations

from hashlib import md5

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, born, condition, custom_object
from simulator.kubernetes.objects.openshift import upgraded_at
from simulator.layout import Node

_GROUP_VERSION = "machineconfiguration.openshift.io/v1"
_SOURCES = ("00-{}", "01-{}-container-runtime", "01-{}-kubelet", "98-{}-generated-kubelet", "99-{}-ssh")
_TELCO_SOURCES = ("50-nto-{}", "50-performance-telco-du")


def rendered(cluster: SimulatedCluster, pool: str) -> str:
    """The name of the configuration that a pool's nodes have."""
    text = f"{cluster.layout.seed}/{cluster.name}/{pool}"
    return f"rendered-{pool}-{md5(text.encode(), usedforsecurity=False).hexdigest()}"


def pool_of(node: Node) -> str:
    """The pool that a node belongs to."""
    return "master" if node.control_plane else "worker"


def pools(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The MachineConfigPools, all up to date."""
    return [_pool(cluster, name) for name in ("master", "worker")]


def _sources(cluster: SimulatedCluster, pool: str) -> list[str]:
    names = [name.format(pool) for name in _SOURCES]
    if cluster.layout.profile.ptp and pool == "worker":
        names += [name.format(pool) for name in _TELCO_SOURCES]
    return sorted(names)


def _pool(cluster: SimulatedCluster, pool: str) -> Object:
    count = sum(1 for node in cluster.layout.nodes if pool_of(node) == pool)
    configuration = {
        "name": rendered(cluster, pool),
        "source": [
            {"apiVersion": _GROUP_VERSION, "kind": "MachineConfig", "name": name} for name in _sources(cluster, pool)
        ],
    }
    start, done = born(cluster) + 700, upgraded_at(cluster)
    label = f"node-role.kubernetes.io/{pool}"
    states = (
        ("RenderDegraded", False),
        ("NodeDegraded", False),
        ("Degraded", False),
        ("Updated", True),
        ("Updating", False),
    )
    return custom_object(
        cluster,
        _GROUP_VERSION,
        "MachineConfigPool",
        pool,
        after=700,
        labels={
            "machineconfiguration.openshift.io/mco-built-in": "",
            f"pools.operator.machineconfiguration.openshift.io/{pool}": "",
        },
        spec={
            "configuration": configuration,
            "machineConfigSelector": {"matchLabels": {"machineconfiguration.openshift.io/role": pool}},
            "nodeSelector": {"matchLabels": {label: ""}},
            "paused": False,
        },
        status={
            "conditions": [
                condition(
                    kind,
                    holds=holds,
                    since=done if kind in {"Updated", "Updating"} else start,
                    reason="",
                    message=message,
                )
                for kind, holds in states
                for message in [f"All nodes are updated with MachineConfig {configuration['name']}" if holds else ""]
            ],
            "configuration": configuration,
            "degradedMachineCount": 0,
            "machineCount": count,
            "observedGeneration": 4,
            "readyMachineCount": count,
            "unavailableMachineCount": 0,
            "updatedMachineCount": count,
        },
    )


def machine_configs(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The MachineConfigs: what the pools' nodes have, and the parts that it was rendered from."""
    made = []
    for pool in ("master", "worker"):
        for name in [*_sources(cluster, pool), rendered(cluster, pool)]:
            labels = {} if name.startswith("rendered") else {"machineconfiguration.openshift.io/role": pool}
            spec = {
                "baseOSExtensionsContainerImage": "",
                "config": {"ignition": {"version": "3.4.0"}},
                "extensions": None,
                "fips": False,
                "kernelArguments": ["tsc=reliable", "nohz_full=2-7"] if "performance" in name else None,
                "kernelType": "realtime" if "performance" in name else "",
                "osImageURL": "",
            }
            made.append(
                custom_object(cluster, _GROUP_VERSION, "MachineConfig", name, after=800, spec=spec, labels=labels)
            )
    return made
