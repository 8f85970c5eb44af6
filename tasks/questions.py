"""What every scan asks beside metrics, and under which keys the answers are kept."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from fleet.frames.coverage import Signal
from fleet.inventory.cluster import EndpointKind

ENOUGH_LINES, ENOUGH_TRACES = 2_000, 100
"""Of one chunk: samples, from which causes can be told, and not an archive."""


@dataclass(frozen=True)
class Question:
    """One question to one kind of source.

    Attributes:
        signal: of which signal.
        collector: who asks.
        kind: of the endpoint that is asked.
        words: what is asked; with other words it is another question, and asked anew.
        capabilities: what an inventory knows of a cluster that has such a source.
        program: a part of the name of the image that such a source runs.
    """

    signal: Signal
    collector: str
    kind: EndpointKind
    words: str
    capabilities: tuple[str, ...]
    program: str

    @property
    def content_hash(self) -> str:
        """Stands where a pack's hash does: of what the words say, 16 hexadecimal digits."""
        return sha256(f"{self.signal}: {self.words}".encode()).hexdigest()[:16]


ALERTS = Question(
    Signal.ALERTS,
    "alertmanager",
    EndpointKind.ALERTMANAGER,
    "alerts, silences and groups, as they are",
    ("openshift", "prometheus-operator"),
    "alertmanager",
)
RULES = Question(
    Signal.ALERTS,
    "prometheus",
    EndpointKind.PROMETHEUS,
    "rules that are not inactive and well, and health groups, as they are",
    ("openshift", "prometheus-operator"),
    "prometheus",
)
LOGS = Question(
    Signal.LOGS, "loki", EndpointKind.LOKI, f"the newest {ENOUGH_LINES} error lines of each hour", ("loki",), "loki"
)
TRACES = Question(
    Signal.TRACES,
    "tempo",
    EndpointKind.TEMPO,
    f"the newest {ENOUGH_TRACES} traces with errors of each hour",
    ("tempo",),
    "tempo",
)
QUESTIONS = (ALERTS, RULES, LOGS, TRACES)
NOBODY_ASKED = ""
"""The key of rows that only say why nobody was asked: an endpoint that is registered later is asked all the same."""
