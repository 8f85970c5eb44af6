"""Log lines for people and for programs. Lines and labels are untrusted text: no sign of them reaches the terminal
that could mean something to it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import orjson
from rich.console import Console
from rich.text import Text

from fleet.collectors.loki.error_lines import LEVEL
from fleet.collectors.loki.federated import CLUSTER_LABEL
from fleet.collectors.loki.place_labels import OPEN_TELEMETRY, OPENSHIFT, PLAIN
from fleet.frames.log_frame import Labels, LogFrame, time_of
from interfaces.cli.query.asking import Answer
from interfaces.cli.query.series import label_words
from interfaces.cli.tables import printable
from interfaces.cli.terminal import err

_PLACES = (OPENSHIFT, OPEN_TELEMETRY, PLAIN)
_STYLES = {
    "error": "red",
    "critical": "bold red",
    "fatal": "bold red",
    "warn": "yellow",
    "debug": "dim",
    "trace": "dim",
}
_NOT_TOLD = frozenset({CLUSTER_LABEL, LEVEL, "service_name"})


def print_lines(console: Console, frame: LogFrame, *, several: bool, raw: bool) -> None:
    """Lines with their time, cluster (of several) and place; each on one line, as long as it is.

    Args:
        console: where.
        frame: with the label ``cluster``.
        several: whether more than one cluster was asked.
        raw: show lines as they are stored; otherwise OpenShift's by what the container said.
    """
    for row in range(len(frame)):
        labels = frame.labels(row)
        text = Text(_time(int(frame.timestamps_ns[row])), style="dim", no_wrap=True)
        if several:
            text.append(f" {labels.get(CLUSTER_LABEL, '')}", style="not dim cyan")
        text.append(f" {_plain(_place(labels))} ", style="not dim green")
        line = frame.line(row)
        text.append(_plain(line if raw else _said(line)), style=f"not dim {_STYLES.get(labels.get(LEVEL, ''), '')}")
        console.print(text, soft_wrap=True)
    if not len(frame):
        err().print("No lines.")


def write_lines(frame: LogFrame) -> None:
    """Lines as JSON, an object on a line each; nanoseconds as text, which no reader rounds."""
    for row in range(len(frame)):
        labels, at_ns = dict(frame.labels(row)), int(frame.timestamps_ns[row])
        cluster = labels.pop(CLUSTER_LABEL, "")
        at = {"time": time_of(at_ns), "timestamp_ns": str(at_ns)}
        document = orjson.dumps(
            {"cluster": cluster, **at, "labels": labels, "line": frame.line(row)}, option=orjson.OPT_UTC_Z
        )
        sys.stdout.write(document.decode() + "\n")
    sys.stdout.flush()


def print_rest(shown: int, *, oldest_first: bool) -> None:
    """Say on standard error that there are more lines than were shown."""
    if oldest_first:
        err().print(f"The first {shown:,} lines of more; --limit 0 shows all.")
    else:
        err().print(f"The last {shown:,} lines of more; --limit 0 shows all, --oldest-first the window's other end.")


def print_names(console: Console, limit: int, what: str, answers: Sequence[Answer[list[str]]]) -> None:
    """Labels or values, and in which clusters they are."""
    from rich.table import Table

    clusters: dict[str, list[str]] = {}
    for answer in answers:
        for name in answer.found or []:
            clusters.setdefault(name, []).append(answer.cluster)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(printable(what), overflow="fold")
    table.add_column("clusters", overflow="fold")
    names = sorted(clusters)
    for name in names[: limit or None]:
        table.add_row(printable(name), ", ".join(clusters[name]))
    console.print(table if names else "None.")
    if limit and limit < len(names):
        console.print(f"The first {limit:,} of {len(names):,}; --limit 0 shows all.")


def _time(at_ns: int) -> str:
    at = time_of(at_ns)
    return f"{at:%m-%d %H:%M:%S}.{at.microsecond // 1000:03}Z"


def _place(labels: Labels) -> str:
    """Namespace, pod and container, by whatever labels have them; else all labels."""
    for names in _PLACES:
        parts = [labels[name] for name in (names.namespace, names.pod, names.container) if labels.get(name)]
        if labels.get(names.pod):
            return "/".join(parts)
    return label_words({name: value for name, value in labels.items() if name not in _NOT_TOLD})


def _said(line: str) -> str:
    """What a container said, out of the document in which OpenShift's logging keeps it (viaq)."""
    if not line.startswith("{") or '"message"' not in line or '"@timestamp"' not in line:
        return line
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return line
    message = document.get("message")
    return message if isinstance(message, str) and message else line


def _plain(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
