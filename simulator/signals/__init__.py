"""What the simulated Prometheus knows: one signal a query of the pack, by the query's id."""

from simulator.signals.control_plane import CONTROL_PLANE
from simulator.signals.nodes import NODES
from simulator.signals.platform import PLATFORM
from simulator.signals.row import Row, Signal
from simulator.signals.service_levels import SERVICE_LEVELS
from simulator.signals.storage import STORAGE
from simulator.signals.workloads import WORKLOADS

SIGNALS: dict[str, Signal] = {
    **NODES.signals,
    **WORKLOADS.signals,
    **STORAGE.signals,
    **PLATFORM.signals,
    **CONTROL_PLANE.signals,
    **SERVICE_LEVELS.signals,
}

__all__ = ["SIGNALS", "Row", "Signal"]
