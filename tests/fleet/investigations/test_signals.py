"""Which queries carry which signal."""

from __future__ import annotations

from fleet.frames.pack_file import default_pack
from fleet.investigations.signals import Role, Signals, exporter_of


def test_the_default_pack_has_every_role_and_no_more_queries_than_meant() -> None:
    signals = Signals.of(default_pack())

    assert all(signals.has(role) for role in Role)
    assert signals.ids(Role.CONTAINER_MEMORY) == {"container_mem_bytes"}
    assert signals.ids(Role.MEMORY_OF_LIMIT) == {"container_mem_vs_limit"}
    assert signals.ids(Role.NODE_READY) == {"node_ready"}
    assert signals.ids(Role.NODE_PRESSURE) == {"node_pressure"}
    assert signals.ids(Role.DISK_SPACE) == {"fs_used_ratio", "pvc_used_ratio"}


def test_series_of_one_exporter_share_its_family() -> None:
    pack = default_pack()

    assert exporter_of(pack.query("node_cpu_util")) == "node"
    assert exporter_of(pack.query("container_mem_bytes")) == "container"
    assert exporter_of(pack.query("node_ready")) == "kube"
