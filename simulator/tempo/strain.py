"""How slow and how broken a cluster's services are at a time, read off the very series and faults of its metrics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from simulator.cluster import SimulatedCluster
from simulator.effects import RATE_WINDOW, Mode
from simulator.faults import Fault
from simulator.layout import Workload
from simulator.options import FaultKind
from simulator.samples import SCRAPE_SECONDS, strength
from simulator.timeline import Pod

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_HARM_AFTER = 120
"""Seconds after which a noisy neighbour shows in its victims' latency."""
_COLLECTING_FROM = 0.75
_COLLECTING_SLOWDOWN = 1.5
"""A container that comes near its memory limit collects garbage: from this share of the limit on, up to this factor."""
_REFUSING_SECONDS = 90
"""After a kill for want of memory nobody listens for so long."""


def draw(name: str, slots: Ints) -> Floats:
    """A number in 0..1 for each slot, always the same for the same name."""
    seed = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
    # The mixing steps of splitmix64.
    mixed = slots.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


@dataclass(frozen=True)
class Strain:
    """A cluster's state over slots of 30 s (Unix time over 30), ascending."""

    cluster: SimulatedCluster
    slots: Ints

    @property
    def times(self) -> Ints:
        """Unix seconds of the slots."""
        return self.slots * SCRAPE_SECONDS

    def latency_seconds(self, workload: Workload) -> tuple[Floats, Floats]:
        """What a route takes on average, without its faults and with them."""
        values, row = self._route("route_latency_seconds", workload)
        series, _ = self.cluster.series("route_latency_seconds")
        factor = np.ones(len(self.slots))
        for at, effect in series.effects:
            if at == row and effect.mode is Mode.SCALE:
                factor *= 1 + strength(effect, self.times) * (effect.amount - 1)
        return values / factor, values

    def failing(self, workload: Workload) -> Floats:
        """The share of a route's requests that fail."""
        return self._route("ingress_5xx_ratio", workload)[0]

    def pods(self, workload: Workload, name: str) -> tuple[list[Pod], Ints]:
        """The pods of a workload, and which of them works in each slot; -1 where none lives."""
        pods = self.cluster.timeline.pods_by_workload.get(workload.key, [])
        if not pods:
            return [], np.full(len(self.slots), -1)
        alive = np.array([(pod.created + 12 <= self.times) & (self.times < pod.ended - SCRAPE_SECONDS) for pod in pods])
        counts = alive.sum(axis=0)
        wanted = (draw(name, self.slots) * counts).astype(np.int64) + 1
        chosen = np.argmax(np.cumsum(alive, axis=0) >= wanted, axis=0)
        return pods, np.where(counts > 0, chosen, -1)

    def beside_noise(self, workload: Workload, pods: list[Pod], chosen: Ints) -> tuple[Floats, Floats]:
        """How much each slot's pod suffers from a noisy neighbour (0..1), and which part of the route's harm it bears.

        Where only some of a workload's pods stand beside the neighbour, those bear all of the harm, and more than the
        route's average, which is what the metrics show; else each bears its own.
        """
        over, part = np.zeros(len(self.slots)), np.ones(len(self.slots))
        for fault, node in self._noisy:
            living = [pod for pod in pods if pod.alive(fault.start)]
            count = sum(pod.node == node for pod in living)
            if workload == fault.workload or not workload.cpu_limited or not count:
                continue
            beside = np.array([pod.node == node for pod in pods])[chosen]
            since, until = fault.start + _HARM_AFTER, fault.end + RATE_WINDOW
            during = (self.times >= since) & (self.times < until)
            risen = np.clip((self.times - since) / RATE_WINDOW, 0, 1)
            fallen = np.clip((until - self.times) / RATE_WINDOW, 0, 1)
            over = np.where(during & beside, np.minimum(risen, fallen), over)
            part = np.where(during, beside * len(living) / count, part)
        return over, part

    def collecting(self, workload: Workload, pods: list[Pod], chosen: Ints) -> Floats:
        """By what a pod that leaks is slower before it is killed."""
        factor = np.ones(len(self.slots))
        for fault in self._faults(FaultKind.MEMORY_LEAK):
            pod = self.cluster.timeline.pod_of(workload, fault.start) if fault.workload == workload else None
            if pod is None or pod not in pods:
                continue
            over = (self._memory_share(pod) - _COLLECTING_FROM) / (1 - _COLLECTING_FROM)
            slower = 1 + (_COLLECTING_SLOWDOWN - 1) * np.nan_to_num(np.clip(over, 0, 1)) ** 2
            factor = np.where(chosen == pods.index(pod), slower, factor)
        return factor

    def refusing(self, workload: Workload) -> Flags:
        """Whether one of a workload's containers was killed for want of memory a moment ago."""
        found = np.zeros(len(self.slots), dtype=bool)
        for restart in self.cluster.timeline.story.restarts:
            if restart.workload == workload and restart.reason == "OOMKilled":
                found |= (self.times >= restart.at) & (self.times < restart.at + _REFUSING_SECONDS)
        return found

    def _route(self, query: str, workload: Workload) -> tuple[Floats, int]:
        series, _ = self.cluster.series(query)
        labels = {"exported_namespace": workload.namespace, "route": workload.name}
        row = next(at for at, each in enumerate(series.rows) if each.labels == labels)
        values = series.values(self.slots, slice(row, row + 1))[0].astype(np.float64)
        return np.where(np.isnan(values), series.rows[row].level, values), row

    def _memory_share(self, pod: Pod) -> Floats:
        series, _ = self.cluster.series("container_mem_vs_limit")
        row = next(
            (
                at
                for at, each in enumerate(series.rows)
                if each.labels["pod"] == pod.name and each.labels["namespace"] == pod.workload.namespace
            ),
            None,
        )
        if row is None:
            return np.zeros(len(self.slots))
        return series.values(self.slots, slice(row, row + 1))[0].astype(np.float64)

    def _faults(self, kind: FaultKind) -> list[Fault]:
        return [fault for fault in self.cluster.timeline.story.faults if fault.kind is kind]

    @cached_property
    def _noisy(self) -> list[tuple[Fault, str]]:
        found = []
        for fault in self._faults(FaultKind.NOISY_NEIGHBOUR):
            pod = self.cluster.timeline.pod_of(fault.workload, fault.start) if fault.workload else None
            if pod is not None:
                found.append((fault, pod.node))
        return found
