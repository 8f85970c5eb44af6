"""How each step of a route goes in each slot: when it starts, how long it takes, if it is there and if it fails.

Everything is computed for many slots at once, so that the service graph's counters can count weeks of traces.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from simulator.samples import SCRAPE_SECONDS
from simulator.tempo.spans import Kind
from simulator.tempo.strain import Flags, Floats, Ints, Strain, draw
from simulator.tempo.topology import Route, Step
from simulator.timeline import Pod

_SPREAD = 0.3
_NEIGHBOUR_SLOWDOWN = 4.0
"""What effects.py makes of a route's latency beside a noisy neighbour."""
_SELDOM = 0.001
"""The share of calls between services that fail without a fault."""
_QUEUE_SECONDS = 0.02


@dataclass
class Course:
    """One step over all slots; times in seconds, ``start`` after the slot's own."""

    step: Step
    parent: Course | None
    pods: list[Pod]
    chosen: Ints
    own: Floats
    present: Flags
    failed: Flags
    start: Floats
    duration: Floats
    children: list[Course] = field(default_factory=list)


@dataclass(frozen=True)
class RouteCourses:
    """The steps of one route over slots, parents first."""

    strain: Strain
    route: Route

    @property
    def slots(self) -> Ints:
        """The slots, ascending."""
        return self.strain.slots

    @cached_property
    def courses(self) -> list[Course]:
        """One for each step, in the order of ``Step.walk``."""
        found: list[Course] = []
        self._add(self.route.root, None, found)
        for course in found:
            course.own = self._own(course)
        self._judge(found)
        self._measure(found[0])
        self._place(found[0], draw(self._name("start"), self.slots) * (SCRAPE_SECONDS - 2))
        return found

    def _name(self, what: object) -> str:
        layout = self.strain.cluster.layout
        return f"{layout.seed}/{layout.cluster}/trace/{self.route.number}/{what}"

    def _add(self, step: Step, parent: Course | None, found: list[Course]) -> None:
        count = len(self.slots)
        pods, chosen = self.strain.pods(step.workload, self._name(f"pod/{'/'.join(step.workload.key)}"))
        nothing, never = np.zeros(count), np.zeros(count, dtype=bool)
        course = Course(step, parent, pods, chosen, nothing, chosen >= 0, never, nothing, nothing)
        found.append(course)
        if parent is not None:
            parent.children.append(course)
        for child in step.children:
            self._add(child, course, found)

    def _own(self, course: Course) -> Floats:
        """What the step spends by itself."""
        step, strain = course.step, self.strain
        first, second = (draw(self._name((id_, step.name, step.workload.key)), self.slots) for id_ in ("a", "b"))
        normal = np.sqrt(-2 * np.log1p(-first)) * np.cos(2 * np.pi * second)
        noise = np.exp(_SPREAD * normal - _SPREAD**2 / 2)
        if not course.pods or not self.route.entry.routed:
            return step.fixed_seconds * noise
        usual, actual = strain.latency_seconds(self.route.entry)
        suffering, part = strain.beside_noise(step.workload, course.pods, course.chosen)
        seconds = step.share * usual * strain.collecting(step.workload, course.pods, course.chosen)
        if step.workload == self.route.entry and step.kind is Kind.SERVER:
            seconds = seconds + (actual - usual) * part
        elif not step.workload.routed:
            seconds = seconds * (1 + (_NEIGHBOUR_SLOWDOWN - 1) * suffering)
        return (seconds + step.fixed_seconds) * noise

    def _judge(self, found: list[Course]) -> None:
        """Says which spans there are and which failed; what stands below a span that is not there is not either."""
        for course in found:
            if course.parent is not None:
                course.present = course.present & course.parent.present
                if course.step.kind in {Kind.SERVER, Kind.CONSUMER}:
                    self._judge_service(course)
        if self.route.entry.routed:
            # The router answers as the service behind it does; other callers do without.
            found[0].failed = found[1].failed

    def _judge_service(self, course: Course) -> None:
        step, caller = course.step, course.parent
        chance = draw(self._name(("error", step.name, step.workload.key)), self.slots)
        if step.workload.routed:
            wrong = chance < self.strain.failing(step.workload)
            refused = wrong & self.strain.refusing(step.workload)
        else:
            refused = self.strain.refusing(step.workload) & (chance < 0.5)
            wrong = refused | (chance < _SELDOM)
        course.failed = wrong & ~refused & course.present
        course.present = course.present & ~refused
        if caller is not None and step.kind is Kind.SERVER:
            caller.failed = (wrong | refused) & caller.present

    def _measure(self, course: Course) -> Floats:
        """Sets the durations from the leaves on; what nobody waits for takes no part in its parent's."""
        below = [(child, self._measure(child)) for child in course.children]
        waited = [np.where(child.present, took, 0.0) for child, took in below if not child.step.detached]
        course.duration = course.own
        if waited:
            course.duration = course.own + (np.max if course.step.together else np.sum)(waited, axis=0)
        return course.duration

    def _place(self, course: Course, start: Floats) -> None:
        course.start = start
        at = start + course.own / 2
        for child in course.children:
            if child.step.detached:
                self._place(child, start + course.duration + _QUEUE_SECONDS)
                continue
            self._place(child, at)
            if not course.step.together:
                at = at + np.where(child.present, child.duration, 0.0)
