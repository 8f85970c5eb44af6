"""GPUs: what GPU feature discovery labels on nodes, what the device plugin offers, and the operator's ClusterPolicy.

Labels and resources: https://github.com/NVIDIA/k8s-device-plugin (GPU feature discovery, resource naming).
"""

from __future__ import annotations

from collections.abc import Mapping

from fleet.collectors.kubernetes.objects import Metadata, Object
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.node import DeviceCapacity, Gpus
from fleet.inventory.operators import GpuPolicy

_PREFIX = "nvidia.com/"
_WHOLE = ("nvidia.com/gpu", "nvidia.com/gpu.shared")
_INSTANCE = "nvidia.com/mig-"
_PCI_VENDOR = "10de"


class _Driver(Object):
    version: str | None = None
    enabled: bool | None = None


class _Mig(Object):
    strategy: str | None = None


class _PolicySpec(Object):
    driver: _Driver | None = None
    mig: _Mig | None = None


class _PolicyStatus(Object):
    state: str | None = None


class ClusterPolicyObject(Object):
    """nvidia.com/v1 ClusterPolicy."""

    metadata: Metadata
    spec: _PolicySpec | None = None
    status: _PolicyStatus | None = None


def read_policy(seen: ClusterPolicyObject) -> GpuPolicy:
    """A ClusterPolicy of the inventory."""
    spec, status = seen.spec or _PolicySpec(), seen.status or _PolicyStatus()
    return GpuPolicy(
        name=clean(seen.metadata.name, NAME_CHARACTERS),
        state=clean(status.state, 40),
        driver=clean(spec.driver.version if spec.driver else None, 60),
        mig_strategy=clean(spec.mig.strategy if spec.mig else None, 40),
    )


def gpus_of(labels: Mapping[str, str], devices: Mapping[str, DeviceCapacity]) -> Gpus | None:
    """A node's GPUs, or None where neither label nor resource speaks of any."""
    whole = [devices[name] for name in _WHOLE if name in devices]
    instances = {name.removeprefix(_INSTANCE): device for name, device in devices.items() if name.startswith(_INSTANCE)}
    labelled = labels.get(f"{_PREFIX}gpu.present") == "true" or f"{_PREFIX}gpu.count" in labels
    if not labelled and not instances and not any(device.capacity for device in whole):
        return None
    return Gpus(
        count=_number(labels.get(f"{_PREFIX}gpu.count")) or sum(device.capacity for device in whole),
        allocatable=sum(device.allocatable for device in whole),
        product=clean(labels.get(f"{_PREFIX}gpu.product"), 80),
        memory_mib=_number(labels.get(f"{_PREFIX}gpu.memory")),
        driver=_driver(labels),
        mig_strategy=clean(labels.get(f"{_PREFIX}mig.strategy"), 40),
        mig_config=clean(labels.get(f"{_PREFIX}mig.config"), 63),
        mig_config_state=clean(labels.get(f"{_PREFIX}mig.config.state"), 40),
        instances=instances,
    )


def has_gpu_hardware(labels: Mapping[str, str]) -> bool:
    """Whether feature discovery saw NVIDIA hardware on the PCI bus, offered to pods or not."""
    return any(
        key.startswith("feature.node.kubernetes.io/pci-") and _PCI_VENDOR in key and value == "true"
        for key, value in labels.items()
    )


def _driver(labels: Mapping[str, str]) -> str:
    full = labels.get(f"{_PREFIX}cuda.driver-version.full")
    parts = [labels.get(f"{_PREFIX}cuda.driver.{part}", "") for part in ("major", "minor", "rev")]
    return clean(full or ".".join(part for part in parts if part), 60)


def _number(text: str | None) -> int:
    """A label's number; a label is text that anybody may have written."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else 0
