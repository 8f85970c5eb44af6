"""A cluster's own logs: one stream a container and one a node, in ordinary times and in those of its faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import orjson

from simulator.cluster import SimulatedCluster
from simulator.layout import Node, Workload
from simulator.loki import scripts
from simulator.loki.entries import Batch, Bools, Ints, Labels, rank_of
from simulator.loki.fault_voices import Stage, fault_sounds, restart_sounds, silences, start_sounds
from simulator.loki.ingestion import service_of
from simulator.loki.levels import level_of
from simulator.loki.scripts import LEVELS, TEMPLATES
from simulator.loki.templates import Facts, iso_of
from simulator.loki.voices import Choir, Moment, Mood, Voice
from simulator.randomness import uid_of, uniforms
from simulator.timeline import Pod, Timeline

_NS = 1_000_000_000
_WEIGHT_A_STREAM = 2500
"""Bytes, roughly."""
_SPARE = 1.2
"""More than the rates promise is looked at: the moods keep some back."""
_PLATFORM = {
    "node-exporter": (scripts.EXPORTER, 90.0, Mood.EVEN),
    "prometheus-k8s": (scripts.PROMETHEUS, 60.0, Mood.EVEN),
    "router-default": (scripts.ROUTER, 4.0, Mood.DAILY),
    "haproxy-ingress": (scripts.ROUTER, 4.0, Mood.DAILY),
    "dns-default": (scripts.DNS, 20.0, Mood.DAILY),
    "coredns": (scripts.DNS, 20.0, Mood.DAILY),
}
_KUBELET_SECONDS, _AUDIT_SECONDS = 45.0, 15.0
Frame = Callable[[str, str, int], str]
"""A stored line from what was written, its level and its time."""


class Story:
    """The streams of one cluster; a source of entries."""

    def __init__(self, timeline: Timeline, oldest: float, newest: Callable[[], float]) -> None:
        self._openshift = timeline.layout.profile.openshift
        self._oldest_ns = round(oldest) * _NS
        self._newest = newest
        self._facts: list[Facts] = []
        self._homes: list[tuple[Pod | None, Node]] = []
        self._lives: list[tuple[float, float]] = []
        self._frames: dict[int, Frame] = {}
        self.labels: list[Labels] = []
        self._timeline = timeline
        workloads = timeline.layout.workloads
        self._services = tuple(f"{each.name}.{each.namespace}" for each in workloads)
        self._routes = tuple(f"{each.namespace}:{each.name}" for each in workloads if each.routed)
        self._peers: dict[str, list[str]] = {}
        for each in workloads:
            self._peers.setdefault(each.namespace, []).append(each.name)
        stage = self._stage()
        voices: list[Voice] = []
        moments: list[Moment] = []
        for sound in (*self._ordinary(stage), *fault_sounds(stage)):
            if isinstance(sound, Voice):
                voices.append(sound)
            else:
                moments.append(sound)
        self._choir = Choir(voices, moments, f"{timeline.layout.seed}/{timeline.layout.cluster}/logs")
        self.ranks: Ints = np.array([rank_of(each) for each in self.labels], dtype=np.int64)
        self._births = np.array([begin * _NS for begin, _ in self._lives])
        self._deaths = np.array([end * _NS for _, end in self._lives])
        self._metas = tuple({"detected_level": level} for level in scripts.LEVELS)

    @property
    def weight(self) -> int:
        """How much memory it takes, in bytes."""
        return _WEIGHT_A_STREAM * len(self.labels)

    def active(self, chosen: Ints, start_ns: int, end_ns: int) -> Bools:
        """Which streams live in a stretch."""
        start_ns, end_ns = self._within(start_ns, end_ns)
        alive: Bools = (self._births[chosen] < end_ns) & (self._deaths[chosen] > start_ns) & (start_ns < end_ns)
        return alive

    def edge(self, chosen: Ints, start_ns: int, end_ns: int, count: int, *, backward: bool) -> int:
        """Where a stretch has about so many entries at its end or beginning."""
        begin, end = self._within(start_ns, end_ns)
        if begin >= end:
            return start_ns if backward else end_ns
        rate = self._choir.entries_a_second(self._wanted(chosen), begin, end)
        length = round(_SPARE * count / rate * _NS) if rate else end - begin
        return max(start_ns, end - length) if backward else min(end_ns, begin + length)

    def batch(self, chosen: Ints, start_ns: int, end_ns: int) -> Batch:
        """The entries of some streams in a stretch."""
        start_ns, end_ns = self._within(start_ns, end_ns)
        spoken = self._choir.spoken(self._wanted(chosen), start_ns, max(start_ns, end_ns))

        def texts(places: Ints) -> list[str]:
            columns = (spoken.stamps, spoken.streams, spoken.templates, spoken.abouts, spoken.chances)
            return [self._text(*row) for row in zip(*(each[places].tolist() for each in columns), strict=True)]

        levels = spoken.levels if self._openshift else _DETECTED[spoken.templates]
        orders = np.arange(len(spoken.stamps))
        return Batch(spoken.stamps, spoken.streams, orders, levels, self._metas, texts)

    def count(self, chosen: Ints, start_ns: int, end_ns: int) -> int:
        """About how many entries some streams have in a stretch."""
        begin, end = self._within(start_ns, end_ns)
        if begin >= end:
            return 0
        return round(self._choir.entries_a_second(self._wanted(chosen), begin, end) * (end - begin) / _NS)

    def _text(self, stamp_ns: int, stream: int, number: int, about: int, chance: int) -> str:
        told = TEMPLATES[number]
        text = told.fill(chance, stamp_ns, self._facts[stream], self._choir.abouts[about])
        if not self._openshift:
            return text
        frame = self._frames.get(stream)
        if frame is None:
            frame = self._frames[stream] = self._viaq(stream)
        return frame(text, told.level, stamp_ns)

    def _within(self, start_ns: int, end_ns: int) -> tuple[int, int]:
        """The part of a stretch that is remembered and not to come."""
        return max(start_ns, self._oldest_ns), min(end_ns, int(self._newest() * _NS))

    def _wanted(self, chosen: Ints) -> Bools:
        wanted = np.zeros(len(self.labels), dtype=np.bool_)
        wanted[chosen] = True
        return wanted

    def _stage(self) -> Stage:
        """Makes the streams: those of the pods, those of the nodes' kubelets, and on OpenShift those of its audit."""
        timeline = self._timeline
        pods = {(pod.workload.namespace, pod.name): self._add_pod(pod) for pod in timeline.pods}
        nodes = {node.name: self._add_node(node, "infrastructure") for node in timeline.layout.nodes}
        return Stage(timeline, pods, nodes)

    def _add_pod(self, pod: Pod) -> int:
        namespace, app = pod.workload.namespace, pod.workload.name
        version = pod.revision.image.rpartition(":")[2]
        self._facts.append(self._known(app, f"{namespace}/{pod.name}", version, namespace))
        node = self._timeline.layout.node_by_name[pod.node]
        if self._openshift:
            own = {
                "kubernetes_container_name": pod.container,
                "kubernetes_host": pod.node,
                "kubernetes_namespace_name": namespace,
                "kubernetes_pod_name": pod.name,
                "log_type": log_type_of(namespace),
            }
        else:
            own = {
                "app": app,
                "container": pod.container,
                "namespace": namespace,
                "node_name": pod.node,
                "pod": pod.name,
            }
        return self._add(own, pod, node, (pod.created, pod.ended))

    def _add_node(self, node: Node, log_type: str) -> int:
        self._facts.append(self._known("kubelet", node.name, "1.29.6", self._timeline.layout.namespaces[0]))
        if self._openshift:
            own = {"kubernetes_host": node.name, "log_type": log_type}
        else:
            own = {"job": "systemd-journal", "node_name": node.name, "unit": "kubelet.service"}
        return self._add(own, None, node, (0.0, float("inf")))

    def _known(self, app: str, place: str, version: str, namespace: str) -> Facts:
        peers = self._peers[namespace]
        peer = peers[int(uniforms(place, "peer")[0] * len(peers))]
        if peer == app and len(peers) > 1:
            peer = peers[peers.index(app) - 1]
        return Facts(app, place, version, peer, self._services, self._routes)

    def _add(self, own: dict[str, str], pod: Pod | None, node: Node, life: tuple[float, float]) -> int:
        self.labels.append(dict(sorted({**own, "service_name": service_of(own)}.items())))
        self._homes.append((pod, node))
        self._lives.append(life)
        return len(self.labels) - 1

    def _ordinary(self, stage: Stage) -> Iterator[Voice | Moment]:
        timeline = stage.timeline
        for pod in timeline.pods:
            stream = stage.stream(pod)
            script, interval, mood = _manner(pod.workload)
            # Containers of the same kind are not equally talkative.
            interval *= 0.7 + 0.8 * uniforms(pod.name, "talkative")[0]
            begin = pod.created
            for quiet, again in [*silences(timeline, pod), (pod.ended, pod.ended)]:
                yield Voice(stream, script, interval, begin, quiet, mood)
                begin = again
            yield from start_sounds(stage, pod, pod.created + 2)
            if pod.ended != float("inf"):
                yield Moment(stream, scripts.STOPPING, pod.ended - 2)
            for restart in timeline.restarts.get((pod.workload.namespace, pod.name), []):
                yield from restart_sounds(stage, pod, restart)
        for name, stream in stage.nodes.items():
            yield Voice(stream, scripts.KUBELET, _KUBELET_SECONDS, 0.0, float("inf"))
            node = timeline.layout.node_by_name[name]
            if self._openshift and node.control_plane:
                audit = self._add_node(node, "audit")
                yield Voice(audit, scripts.AUDIT, _AUDIT_SECONDS, 0.0, float("inf"), Mood.DAILY)

    def _viaq(self, stream: int) -> Frame:
        """How OpenShift's collector stores what a container or a node's service writes."""
        labels, (pod, node), facts = self.labels[stream], self._homes[stream], self._facts[stream]
        more: dict[str, object] = {}
        if pod is not None:
            namespace = pod.workload.namespace
            more["kubernetes"] = {
                "container_image": pod.revision.image,
                "container_name": pod.container,
                "host": node.name,
                "labels": {"app": facts.app, "pod-template-hash": pod.revision.template_hash},
                "namespace_name": namespace,
                "pod_id": uid_of(self._timeline.layout.seed, self._timeline.layout.cluster, namespace, pod.name),
                "pod_name": pod.name,
            }
        else:
            more["systemd"] = {"t": {"COMM": "kubelet", "HOSTNAME": node.name}, "u": {"SYSLOG_IDENTIFIER": "kubelet"}}
        source = {"log_source": "node" if pod is None else "container", "log_type": labels["log_type"]}
        before = orjson.dumps({"hostname": node.name, **more}).decode()[1:-1]
        between = orjson.dumps(source).decode()[1:-1]
        cluster_id = uid_of(self._timeline.layout.seed, self._timeline.layout.cluster, "cluster")

        def frame(text: str, level: str, stamp_ns: int) -> str:
            message = orjson.dumps(text).decode()
            return (
                f'{{"@timestamp":"{iso_of(stamp_ns)}",{before},"level":"{level}",{between},"message":{message},'
                f'"openshift":{{"cluster_id":"{cluster_id}","sequence":{stamp_ns}}}}}'
            )

        return frame


def story_of(cluster: SimulatedCluster) -> Story:
    """The cluster's own logs; made anew where many other clusters' were asked for in between."""
    key = (cluster.name, "logs")
    story: Story = cluster.renderings.get(key, lambda: Story(cluster.timeline, cluster.oldest, cluster.newest))
    return story


def log_type_of(namespace: str) -> str:
    """Whether OpenShift's logging takes a namespace for the platform's or for the users' own."""
    return "infrastructure" if namespace.startswith(("openshift", "kube")) or namespace == "default" else "application"


def _manner(workload: Workload) -> tuple[int, float, Mood]:
    """What a workload's containers say of the ordinary, how often (seconds), in which mood."""
    if workload.name in _PLATFORM:
        return _PLATFORM[workload.name]
    if workload.batch:
        return scripts.WORKER, 20.0, Mood.EVEN
    if workload.kind == "StatefulSet":
        return scripts.DATABASE, 12.0, Mood.DAILY
    return scripts.SERVICE, 7.0 if workload.routed else 15.0, Mood.DAILY


def _detected() -> Ints:
    """The number of the level that a distributor finds in each template's lines, where nothing wraps them."""
    facts = Facts("app", "namespace/app-0", "1.0.0", "peer")
    stamp_ns = 1_795_261_676_000_000_000
    levels = (level_of(each.fill(2**63 - 1, stamp_ns, facts, "0"), {}, {}) for each in TEMPLATES)
    return np.array([LEVELS.index(level) for level in levels], dtype=np.int64)


_DETECTED = _detected()
