"""What the simulated Prometheus knows: one signal a query of the pack, by the query's id."""

from simulator.signals.nodes import NODES
from simulator.signals.platform import PLATFORM
from simulator.signals.row import Row, Signal
from simulator.signals.workloads import WORKLOADS

SIGNALS: dict[str, Signal] = {**NODES.signals, **WORKLOADS.signals, **PLATFORM.signals}

__all__ = ["SIGNALS", "Row", "Signal"]
