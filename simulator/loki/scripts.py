"""What containers and nodes say: in ordinary times, and when a fault has them.

A script is a set of templates with weights; voices (:mod:`simulator.loki.voices`) know scripts by their numbers.
"""

from __future__ import annotations

import numpy as np

from simulator.loki.entries import Ints
from simulator.loki.templates import Template, template

LEVELS = ("unknown", "debug", "info", "warn", "error", "fatal")
SLOT_COUNT = 256
TEMPLATES: list[Template] = []
_SLOTS: list[list[int]] = []


def _script(*lines: tuple[int, str, str]) -> int:
    """The number of a new script; each of its lines has a weight, a level and a text."""
    slots: list[int] = []
    total = sum(weight for weight, _, _ in lines)
    reached = 0
    for weight, level, text in lines:
        TEMPLATES.append(template(level, text))
        reached += weight
        slots += [len(TEMPLATES) - 1] * (reached * SLOT_COUNT // total - len(slots))
    _SLOTS.append(slots)
    return len(_SLOTS) - 1


def _line(level: str, text: str) -> int:
    return _script((1, level, text))


_REQUEST = 'ts={ts} level=info msg="request done" method={method} path={path}'
SERVICE = _script(
    (170, "info", f"{_REQUEST} status=200 dur={{ms}}ms trace_id={{trace}}"),
    (14, "info", f"{_REQUEST} status=404 dur={{ms}}ms trace_id={{trace}}"),
    (24, "info", 'ts={ts} level=info msg="message published" topic={topic} partition={few} offset={number}'),
    (24, "debug", 'ts={ts} level=debug msg="cache hit" key=item-{number} age={n}s'),
    (16, "debug", 'ts={ts} level=debug msg="connection pool" peer={peer} active={few} idle={few}'),
    (6, "warn", 'ts={ts} level=warn msg="retrying" peer={peer} attempt=2 err="connection reset by peer"'),
    (2, "error", 'ts={ts} level=error msg="request failed" path={path} status=502 err="EOF" trace_id={trace}'),
)
DATABASE = _script(
    (200, "info", "{clock} INFO  [posting-{few}] net.example.{app}.Posting - posted {n} entries in {ms} ms"),
    (40, "info", "{clock} INFO  [checkpoint] net.example.{app}.Journal - checkpoint complete: wrote {n} buffers"),
    (14, "warn", "{clock} WARN  [pool-{few}] net.example.{app}.Pool - connection waited {ms} ms"),
    (2, "error", "{clock} ERROR [posting-{few}] net.example.{app}.Posting - duplicate key item-{number}, skipped"),
)
WORKER = _script(
    (230, "info", "{clock} INFO export.runner chunk={number} rows={n} took={ms}ms"),
    (20, "info", "{clock} INFO export.upload object=part-{number}.csv.gz bytes={bytes}"),
    (6, "warn", "{clock} WARNING export.upload object=part-{number}.csv.gz retry=1"),
)
ROUTER = _script(
    (
        240,
        "info",
        "{ip}:{port} [{clf}] public~ be_http:{route} 0/0/0/{ms}/{ms} 200 {bytes} - - ---- "
        '{n}/{n}/1/0/0 0/0 "{method} {path} HTTP/1.1"',
    ),
    (
        16,
        "info",
        "{ip}:{port} [{clf}] public~ be_http:{route} 0/0/0/{ms}/{ms} 304 {bytes} - - ---- "
        '{n}/{n}/1/0/0 0/0 "GET {path} HTTP/1.1"',
    ),
)
DNS = _script(
    (
        250,
        "info",
        '[INFO] {ip}:{port} - {n} "A IN {service}.svc.cluster.local. udp 54 false 512" NOERROR qr,aa,rd 106 0.000{n}s',
    ),
    (6, "info", '[INFO] {ip}:{port} - {n} "AAAA IN {service}. udp 41 false 512" NXDOMAIN qr,rd,ra 134 0.00{n}s'),
)
PROMETHEUS = _script(
    (150, "info", 'ts={ts} caller=head.go:{n} level=info component=tsdb msg="WAL checkpoint complete" duration={ms}ms'),
    (
        60,
        "info",
        'ts={ts} caller=compact.go:{n} level=info component=tsdb msg="write block" ulid={hex} duration={ms}ms',
    ),
    (46, "debug", 'ts={ts} caller=rules.go:{n} level=debug component="rule manager" msg="evaluated" duration={ms}ms'),
)
EXPORTER = _script(
    (
        250,
        "debug",
        'ts={ts} caller=collector.go:173 level=debug msg="collector succeeded" name={collector} took={ms}ms',
    ),
    (6, "warn", 'ts={ts} caller=hwmon.go:103 level=warn msg="sensor could not be read" name=temp{few}'),
)
KUBELET = _script(
    (
        150,
        "info",
        'I{klog}    2711 kubelet.go:2431] "SyncLoop (PLEG): event for pod" pod="{service}" event="ContainerStarted"',
    ),
    (
        90,
        "info",
        'I{klog}    2711 reconciler.go:224] "operationExecutor.MountVolume succeeded" volume="kube-api-access-{n}"',
    ),
    (16, "warn", 'W{klog}    2711 watcher.go:93] "Error while processing event" path="/sys/fs/cgroup/{hex}"'),
)
AUDIT = _script(
    (
        1,
        "info",
        '{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{hex}","verb":"get",'
        '"requestURI":"/api/v1/namespaces/{peer}","user":{{"username":"system:serviceaccount:monitoring:reader"}},'
        '"sourceIPs":["{ip}"],"responseStatus":{{"code":200}}}}',
    )
)

STARTING = _line("info", 'ts={ts} level=info msg="starting" app={app} version={version}')
CONFIGURED = _line("info", 'ts={ts} level=info msg="configuration read" file=/etc/{app}/config.yaml')
LISTENING = _line("info", 'ts={ts} level=info msg="listening" port=8080 version={version}')
STOPPING = _line("info", 'ts={ts} level=info msg="signal received, shutting down" signal=terminated')
PANIC = _line("fatal", 'ts={ts} level=fatal msg="panic" err="{exception}"')

GC_SEEN = _line("warn", 'ts={ts} level=warn msg="long garbage collection" pause={ms}ms heap_used_percent=8{about}')
GC_OFTEN = _line(
    "warn",
    'ts={ts} level=warn msg="long garbage collection" cause="Allocation Failure" pause={slow}s '
    "heap_used_percent=9{about}",
)
NO_MEMORY = _script(
    (3, "error", 'ts={ts} level=error msg="allocation failed" bytes={bytes} err="cannot allocate memory" path={path}'),
    (1, "error", 'ts={ts} level=error msg="request dropped" status=503 path={path} err="OutOfMemoryError: heap space"'),
)
OUT_OF_MEMORY = _line(
    "error", "kernel: Memory cgroup out of memory: Killed process 4711 ({about}) total-vm:{bytes}kB, anon-rss:{bytes}kB"
)
CONTAINER_DIED = _line(
    "warn",
    'I{klog}    2711 kubelet.go:2431] "SyncLoop (PLEG): event for pod" pod="{about}" '
    'event="ContainerDied" exitCode=137',
)
BACK_OFF = _line(
    "warn", 'E{klog}    2711 pod_workers.go:1301] "Error syncing pod, restarting failed container" pod="{about}"'
)

SLOW = _script(
    (
        5,
        "warn",
        'ts={ts} level=warn msg="slow request" method={method} path={path} status=200 dur={slow}s trace_id={trace}',
    ),
    (3, "error", 'ts={ts} level=error msg="upstream timeout" peer={peer} err="context deadline exceeded" timeout=2s'),
    (1, "error", 'ts={ts} level=error msg="request failed" path={path} status=504 dur={slow}s trace_id={trace}'),
)
FULL_EXPORT = _line("info", "{clock} INFO export.runner full export shard={few} threads=32 rows={number} took={ms}ms")

BROKEN_VERSION = _script(
    (
        4,
        "error",
        'ts={ts} level=error msg="unhandled exception" path={path} status=500 version={version} err="{exception}"',
    ),
    (3, "error", 'ts={ts} level=error msg="request failed" method={method} path={path} status=500 trace_id={trace}'),
    (1, "warn", 'ts={ts} level=warn msg="readiness check answered 500" version={version}'),
)
ROUTED_ERROR = _line(
    "error",
    "{ip}:{port} [{clf}] public~ be_http:{about} 0/0/0/{ms}/{ms} 500 {bytes} - - ---- "
    '{n}/{n}/1/0/0 0/0 "{method} {path} HTTP/1.1"',
)
PROBE_FAILED = _line(
    "warn",
    'I{klog}    2711 prober.go:107] "Probe failed" probeType="Readiness" pod="{about}" probeResult="failure" '
    'output="HTTP probe failed with statuscode: 500"',
)

NO_SPACE = _script(
    (3, "error", 'ts={ts} level=error msg="write failed" file=/var/lib/{app}/{file} err="no space left on device"'),
    (
        1,
        "error",
        'ts={ts} level=error msg="flush failed" file=/var/lib/{app}/{file} bytes={bytes} err="disk quota exceeded"',
    ),
)
IMAGES_COLLECTED = _line(
    "warn",
    'I{klog}    2711 image_gc_manager.go:310] "Disk usage on image filesystem is over the high '
    "threshold, trying to free "
    'bytes down to the low threshold" usage=8{about} highThreshold=85 amountToFree={bytes} lowThreshold=80',
)
EVICTION = _script(
    (
        2,
        "warn",
        'W{klog}    2711 eviction_manager.go:344] "Eviction manager: attempting to reclaim" resourceName="{about}"',
    ),
    (
        1,
        "error",
        'E{klog}    2711 eviction_manager.go:355] "Eviction manager: must evict pod(s) to reclaim" '
        'resourceName="{about}"',
    ),
    (
        1,
        "error",
        'E{klog}    2711 log.go:32] "failed to write container log" err="no space left on device" name="{about}"',
    ),
)
PRESSURE_OVER = _line(
    "info",
    'I{klog}    2711 kubelet_node_status.go:669] "Recording event message for node" event="NodeHasNoDiskPressure"',
)

SCRAPE_FAILED = _line(
    "warn",
    'ts={ts} caller=scrape.go:1331 level=warn component="scrape manager" scrape_pool=node-exporter '
    'target=https://{about}/metrics msg="scrape failed" err="context deadline exceeded"',
)
NO_SOCKETS = _line(
    "error",
    'ts={ts} caller=tls_config.go:313 level=error msg="http: Accept error: accept4: too many open '
    'files; retrying in 1s"',
)

SLOTS: Ints = np.array(_SLOTS, dtype=np.int64)
"""Which template each script has in each of its slots."""
LEVEL_NUMBERS: Ints = np.array([LEVELS.index(each.level) for each in TEMPLATES], dtype=np.int64)
