"""Every generator of hypotheses, the specific ones first."""

from __future__ import annotations

from fleet.investigations.hypotheses.disk_filling import filling_disks
from fleet.investigations.hypotheses.exporter_down import dead_exporters
from fleet.investigations.hypotheses.generic import earliest_deviations, recent_changes
from fleet.investigations.hypotheses.hypothesis import Generator
from fleet.investigations.hypotheses.memory_leak import memory_leaks
from fleet.investigations.hypotheses.node_failure import failed_nodes
from fleet.investigations.hypotheses.noisy_neighbour import noisy_neighbours
from fleet.investigations.hypotheses.rollout import bad_rollouts
from fleet.investigations.hypotheses.saturation import saturations

GENERATORS: tuple[Generator, ...] = (
    bad_rollouts,
    memory_leaks,
    noisy_neighbours,
    filling_disks,
    dead_exporters,
    failed_nodes,
    saturations,
    recent_changes,
    earliest_deviations,
)
