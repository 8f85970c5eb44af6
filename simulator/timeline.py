"""A cluster over time: which pods lived when, which revisions a Deployment had, which containers restarted."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from simulator.faults import DAY, FOREVER, HOUR, Restart, Story, pressure_from
from simulator.layout import Layout, Workload, template_hash
from simulator.randomness import token_of, uniforms

RETENTION_SECONDS = 21 * DAY
SETTLED_BEFORE = 40 * DAY
"""How long before the anchor the oldest pods were made, at most."""
POD_START_SECONDS = 12
RESTART_SECONDS = 15
ROLLOUT_SECONDS = 75
"""From a rollout's start until its Deployment says that it is done."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One pod template of a Deployment and the stretch in which it ruled. Times are Unix seconds."""

    number: int
    template: int
    start: float
    end: float
    template_hash: str
    image: str


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod and its life in Unix seconds; ``ended`` is infinite for one that lives."""

    name: str
    workload: Workload
    ordinal: int
    node: str
    created: float
    ended: float
    revision: Revision

    @property
    def container(self) -> str:
        """The name of its one container."""
        return self.workload.name

    def alive(self, at: float) -> bool:
        """Whether it exists at a time."""
        return self.created <= at < self.ended


@dataclass(frozen=True)
class Timeline:
    """One cluster's layout, its story, and what follows from both. ``anchor`` is in Unix seconds."""

    layout: Layout
    story: Story
    anchor: float

    @property
    def weight(self) -> int:
        """How many pods it is about, roughly."""
        return sum(workload.replicas for workload in self.layout.workloads)

    @cached_property
    def revisions(self) -> dict[tuple[str, str], list[Revision]]:
        """Every workload's revisions, oldest first."""
        return {workload.key: self._revisions(workload) for workload in self.layout.workloads}

    @cached_property
    def pods(self) -> list[Pod]:
        """Every pod that lived within the retention or lives after it, by namespace and name."""
        made = [pod for workload in self.layout.workloads for pod in self._pods(workload)]
        return sorted(made, key=lambda pod: (pod.workload.namespace, pod.name))

    @cached_property
    def pods_by_workload(self) -> dict[tuple[str, str], list[Pod]]:
        """The pods of each workload that had some, by namespace and name of the workload."""
        found: defaultdict[tuple[str, str], list[Pod]] = defaultdict(list)
        for pod in self.pods:
            found[pod.workload.key].append(pod)
        return dict(found)

    def settled(self, at: float) -> float:
        """The last time up to ``at`` (Unix seconds, an hour before the anchor or later) when an object changed."""
        turns = self._turns
        return turns[max(0, bisect_right(turns, at) - 1)]

    @cached_property
    def _turns(self) -> list[float]:
        """When objects change, from an hour before the anchor on, sorted."""
        turns = {self.anchor - HOUR}
        for pod in self.pods:
            turns |= {pod.created, pod.created + POD_START_SECONDS, pod.ended}
        for revisions in self.revisions.values():
            turns |= {at for each in revisions for at in (each.start, each.start + ROLLOUT_SECONDS)}
        for each in self.story.scalings:
            turns |= {each.at, each.end}
        for restarts in self.restarts.values():
            turns |= {at for each in restarts for at in (each.at, each.at + RESTART_SECONDS)}
        for fault in self.story.faults:
            turns |= {fault.start, pressure_from(fault), fault.end}
        return sorted(at for at in turns if at >= self.anchor - HOUR)

    @cached_property
    def restarts(self) -> dict[tuple[str, str], list[Restart]]:
        """Restarts in place by namespace and pod, in order of time."""
        found: defaultdict[tuple[str, str], list[Restart]] = defaultdict(list)
        for restart in sorted(self.story.restarts, key=lambda each: each.at):
            pod = self.pod_of(restart.workload, restart.at, restart.ordinal)
            if pod is not None:
                found[pod.workload.namespace, pod.name].append(restart)
        return dict(found)

    def pod_of(self, workload: Workload, at: float, ordinal: int = 0) -> Pod | None:
        """The pod of a workload with this ordinal that was the newest alive at a time."""
        own = self.pods_by_workload.get(workload.key, [])
        alive = [pod for pod in own if pod.ordinal == ordinal and pod.alive(at)]
        return max(alive, key=lambda pod: pod.created, default=None)

    def _birth(self, workload: Workload) -> float:
        share = uniforms(self.layout.seed, self.layout.cluster, *workload.key, "birth")[0]
        return self.anchor - RETENTION_SECONDS - share * (SETTLED_BEFORE - RETENTION_SECONDS)

    def _revisions(self, workload: Workload) -> list[Revision]:
        changes = sorted(
            (rollout for rollout in self.story.rollouts if rollout.workload.key == workload.key),
            key=lambda rollout: rollout.at,
        )
        starts = [self._birth(workload), *(rollout.at for rollout in changes)]
        templates = [1]
        for rollout in changes:
            templates.append(templates[-2] if rollout.back else max(templates) + 1)
        return [
            Revision(
                number=index + 1,
                template=templates[index],
                start=starts[index],
                end=starts[index + 1] if index + 1 < len(starts) else FOREVER,
                template_hash=template_hash(self.layout, workload, templates[index]),
                image=f"{workload.image}:{self._version(workload, templates[index])}",
            )
            for index in range(len(starts))
        ]

    def _version(self, workload: Workload, template: int) -> str:
        major, minor, *_ = uniforms(self.layout.seed, *workload.key, "version")
        return f"{1 + int(major * 4)}.{int(minor * 20) + template}.0"

    def _pods(self, workload: Workload) -> list[Pod]:
        if workload.kind != "Deployment":
            revision = self.revisions[workload.key][0]
            return [
                Pod(self._fixed_name(workload, ordinal), workload, ordinal, place, revision.start, FOREVER, revision)
                for ordinal, place in enumerate(workload.places[: workload.replicas])
            ]
        stays = [(ordinal, 0.0, FOREVER) for ordinal in range(workload.replicas)]
        stays += [(workload.replicas, each.at, each.end) for each in self.story.scalings if each.workload == workload]
        return [
            pod
            for revision in self.revisions[workload.key]
            for ordinal, begin, end in stays
            if (pod := self._deployed(workload, revision, ordinal, begin, end)) is not None
        ]

    def _deployed(self, workload: Workload, revision: Revision, ordinal: int, begin: float, end: float) -> Pod | None:
        # A rollout goes pod by pod: the new one starts, then the old one ends, a good minute in all.
        lag = 30.0 * ordinal
        born = max(revision.start + lag, begin)
        gone = min(revision.end + lag + 45.0, end)
        if gone <= born or revision.end + lag <= born:
            return None
        suffix = token_of(5, self.layout.seed, self.layout.cluster, *workload.key, revision.number, ordinal)
        name = f"{workload.name}-{revision.template_hash}-{suffix}"
        return Pod(name, workload, ordinal, workload.places[ordinal], born, gone, revision)

    def _fixed_name(self, workload: Workload, ordinal: int) -> str:
        if workload.kind == "StatefulSet":
            return f"{workload.name}-{ordinal}"
        return f"{workload.name}-{token_of(5, self.layout.seed, self.layout.cluster, *workload.key, ordinal)}"
