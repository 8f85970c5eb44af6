"""Lines as templates: ``level=info msg="request done" dur={ms}ms``, filled from 64 bits of chance a line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter
from time import gmtime

from simulator.truth import rfc3339

_PATHS = ("/api/v1/items", "/api/v1/orders", "/api/v1/prices", "/api/v1/sessions", "/healthz", "/api/v2/quotes")
_TOPICS = ("orders", "prices", "sessions", "audit-trail")
_FILES = ("segment.wal", "spool.tmp", "index.db", "cache.bin")
_COLLECTORS = ("cpu", "filesystem", "netdev", "diskstats", "meminfo", "hwmon")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EXCEPTIONS = (
    r'TypeError: discount is undefined" stack="at Price.of (price.js:88:17)\n    at Cart.total (cart.js:41:9)',
    r'NullPointerException: tariff" stack="at tariff.Lookup.find(Lookup.java:57)\n\tat tariff.Quote.of(Quote.java:112)',
    r'panic: index out of range [3] with length 3" stack="main.split(...)\n\t/src/quote.go:77\nmain.handle(...)',
)


@dataclass(frozen=True)
class Facts:
    """What a stream's lines may name.

    Attributes:
        app: the workload.
        pod: ``namespace/name`` of the pod; the node's for a node's own logs.
        version: of the image.
        peer: another workload that it talks to.
        services: all of the cluster's, as ``name.namespace``.
        routes: those that are reached from outside, as ``namespace:name``.
    """

    app: str
    pod: str
    version: str
    peer: str
    services: tuple[str, ...] = ("other.example",)
    routes: tuple[str, ...] = ("example:other",)


Field = Callable[[int, int, Facts, str], str]
"""Fills a field: from the line's chance, its time in nanoseconds, its stream's facts and what its voice tells."""


@dataclass(frozen=True)
class Template:
    """A line's level and text, and how to fill it."""

    level: str
    text: str
    fill: Callable[[int, int, Facts, str], str]


def template(level: str, text: str) -> Template:
    """A template from its text; ``{{`` and ``}}`` stand for braces.

    Raises:
        KeyError: it names a field that does not exist.
    """
    pattern, fields = "", []
    for before, name, _, _ in Formatter().parse(text):
        pattern += before.replace("%", "%%")
        if name:
            pattern += "%s"
            fields.append(_FIELDS[name])

    def fill(chance: int, stamp_ns: int, facts: Facts, about: str) -> str:
        return pattern % tuple([field(chance, stamp_ns, facts, about) for field in fields])

    return Template(level, text, fill)


@lru_cache(65_536)
def _clock(second: int) -> tuple[str, str, str]:
    """A Unix second as klog, a database and HAProxy write it, up to the fraction."""
    at = gmtime(second)
    clock = f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
    day = f"{at.tm_year}-{at.tm_mon:02d}-{at.tm_mday:02d}"
    return (
        f"{at.tm_mon:02d}{at.tm_mday:02d} {clock}",
        f"{day} {clock}",
        f"{at.tm_mday:02d}/{_MONTHS[at.tm_mon - 1]}/{at.tm_year}:{clock}",
    )


def iso_of(stamp_ns: int) -> str:
    """RFC 3339 with milliseconds."""
    second, rest = divmod(stamp_ns, 1_000_000_000)
    return f"{rfc3339(second)[:-1]}.{rest // 1_000_000:03d}Z"


def _part(chance: int, shift: int, size: int) -> int:
    return (chance >> shift) % size


_FIELDS: dict[str, Field] = {
    "ts": lambda h, ns, f, about: iso_of(ns),
    "klog": lambda h, ns, f, about: f"{_clock(ns // 1_000_000_000)[0]}.{ns // 1000 % 1_000_000:06d}",
    "clock": lambda h, ns, f, about: f"{_clock(ns // 1_000_000_000)[1]}.{ns // 1_000_000 % 1000:03d}",
    "clf": lambda h, ns, f, about: f"{_clock(ns // 1_000_000_000)[2]}.{ns // 1_000_000 % 1000:03d}",
    "app": lambda h, ns, f, about: f.app,
    "pod": lambda h, ns, f, about: f.pod,
    "version": lambda h, ns, f, about: f.version,
    "peer": lambda h, ns, f, about: f.peer,
    "service": lambda h, ns, f, about: f.services[_part(h, 9, len(f.services))],
    "route": lambda h, ns, f, about: f.routes[_part(h, 9, len(f.routes))],
    "about": lambda h, ns, f, about: about,
    "path": lambda h, ns, f, about: _PATHS[_part(h, 8, len(_PATHS))],
    "method": lambda h, ns, f, about: "GET" if _part(h, 11, 4) else "POST",
    "ms": lambda h, ns, f, about: str(3 + _part(h, 13, 40) + (_part(h, 19, 200) if not _part(h, 27, 16) else 0)),
    "slow": lambda h, ns, f, about: f"{1 + _part(h, 13, 5)}.{_part(h, 20, 1000):03d}",
    "few": lambda h, ns, f, about: str(_part(h, 31, 16)),
    "n": lambda h, ns, f, about: str(_part(h, 23, 1000)),
    "number": lambda h, ns, f, about: str(_part(h, 17, 10_000_000)),
    "bytes": lambda h, ns, f, about: str(_part(h, 21, 64) * 65_536),
    "port": lambda h, ns, f, about: str(32_768 + _part(h, 29, 28_000)),
    "ip": lambda h, ns, f, about: f"10.{128 + _part(h, 40, 4)}.{_part(h, 43, 16)}.{1 + _part(h, 47, 254)}",
    "trace": lambda h, ns, f, about: f"{h:016x}{h * 0x9E3779B97F4A7C15 % 2**64:016x}",
    "topic": lambda h, ns, f, about: _TOPICS[_part(h, 33, len(_TOPICS))],
    "file": lambda h, ns, f, about: _FILES[_part(h, 35, len(_FILES))],
    "collector": lambda h, ns, f, about: _COLLECTORS[_part(h, 37, len(_COLLECTORS))],
    "exception": lambda h, ns, f, about: _EXCEPTIONS[_part(h, 39, len(_EXCEPTIONS))],
    "hex": lambda h, ns, f, about: f"{h:016x}",
}
