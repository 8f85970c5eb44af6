from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleet.frames.window import Window
from tests.fleet.collectors.prometheus.certificates import KeyPair
from tests.fleet.collectors.prometheus.real_prometheus import INSTALLED, RealPrometheus, backfill

DAY = Window(start=datetime(2026, 2, 1, tzinfo=UTC), end=datetime(2026, 2, 1, 6, tzinfo=UTC))
"""The window of the backfilled samples: six hours, a sample every 30 s."""
NODES = 8
GAP = (DAY.start + timedelta(hours=2), DAY.start + timedelta(hours=2, minutes=30))
"""In which node-0 has no samples."""


def load_value(node: int, at: float) -> str:
    """What the backfilled gauge says, as Prometheus writes it."""
    if node == 1 and at % 600 == 0:
        return "NaN"
    if node == 2 and at % 900 == 0:
        return "+Inf"
    return repr(node + math.sin(at / 1000))


@pytest.fixture(scope="session")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the gauge ``load``, the counter ``requests_total`` and a gauge that began late."""
    if not INSTALLED:
        pytest.skip("prometheus and promtool (Debian package prometheus) are not installed")
    data = tmp_path_factory.mktemp("blocks") / "data"
    times = range(int(DAY.start.timestamp()), int(DAY.end.timestamp()), 30)
    gap = range(int(GAP[0].timestamp()), int(GAP[1].timestamp()))
    load = [
        (
            {"instance": f"node-{node}", "job": "node"},
            [(at, load_value(node, at)) for at in times if node or at not in gap],
        )
        for node in range(NODES)
    ]
    requests = [
        ({"instance": f"node-{node}"}, [(at, str((at - times.start) // 30 * (node + 1))) for at in times])
        for node in range(NODES)
    ]
    late = [({"instance": "node-0"}, [(at, "1") for at in times if at >= times.start + 5 * 3600])]
    backfill(data, [("load", "gauge", load), ("requests_total", "counter", requests), ("late", "gauge", late)])
    return data


@pytest.fixture(scope="session")
def prometheus(
    blocks: Path, tmp_path_factory: pytest.TempPathFactory, server_pair: KeyPair
) -> Iterator[RealPrometheus]:
    """A Prometheus with those samples, over TLS and with basic auth."""
    home = tmp_path_factory.mktemp("prometheus")
    (home / "data").symlink_to(blocks)
    server = RealPrometheus(home, certificate=(server_pair.certificate, server_pair.key), basic_auth=True)
    with server:
        yield server
