"""Collecting log lines: CPU beside httpx + json, memory for a million lines, and time beyond the server's own.

Both sides read the same lines over TLS in pages of 5,000 and end with all of them in order of time, checked by their
number and the sum of their times and lengths. Each side runs in processes of its own, in turn, several rounds; medians
are shown. The other side is written as one who knows httpx writes it. httpx asks for gzip unless told otherwise and so
pays for unpacking; it is shown both ways, and the ratio that counts is against the cheaper one.
"""

from __future__ import annotations

import json
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

from benchmarks.collection.compared import compared, peak_of, seconds_of, show
from benchmarks.collection.served import served_cluster

LINES = 200_000
MANY_LINES = 1_000_000
ROUNDS = 5
PASSES = 2
"""Of all lines within one process, after one that is not counted (connections, imports, caches)."""
PAGE = 5_000
_MODULE = "benchmarks.collection.logs"
_NS = 1_000_000_000
Totals = dict[str, int]


def main() -> dict[str, Any]:
    """Measure, print, and give the figures."""
    with served_cluster() as cluster:
        figures = compared(_MODULE, list(SIDES), ROUNDS, cluster.arguments("loki"))
    lines, megabytes = figures["totals"]["lines"], figures["totals"]["bytes"] / 1e6
    speeds = {name: megabytes / seconds for name, seconds in figures["cpu_seconds"].items()}
    title = f"{lines:,} log lines ({megabytes:.1f} MB of text), medians of {ROUNDS}"
    show(figures, title, "MB a CPU second", {name: f"{speed:.0f}" for name, speed in speeds.items()})
    return {**figures, "megabytes_a_cpu_second": speeds}


def _ours(url: str, ca_file: str, token_file: str, anchor: str) -> Callable[[int], Iterator[Any]]:
    from pydantic import SecretStr

    from fleet.collectors.loki import Direction, LogReading, LogRequest, LokiClient, WrittenQuery
    from fleet.credentials import Credential, GivenCredential
    from fleet.frames.window import Window
    from fleet.inventory.cluster import Endpoint

    token = SecretStr(Path(token_file).read_text().strip())
    client = LokiClient(Endpoint(url=url, ca_pem=Path(ca_file).read_text()), GivenCredential(Credential(token=token)))
    window = Window.before(datetime.fromisoformat(anchor), timedelta(hours=1))

    def frames(lines: int) -> Iterator[Any]:
        request = LogRequest(WrittenQuery(_query(lines)), window, direction=Direction.FORWARD)
        reading = LogReading(client, "bench", request)
        yield from reading
        assert reading.coverage.status == "ok", reading.coverage.reason

    return frames


def _totals_of_frames(frames: Iterator[Any]) -> Totals:
    import pyarrow.compute as pc

    totals = {"lines": 0, "bytes": 0, "times": 0}
    for frame in frames:
        totals["lines"] += len(frame)
        totals["bytes"] += pc.sum(pc.binary_length(frame.lines)).as_py()
        totals["times"] += int((frame.timestamps_ns % _NS).sum())
    return totals


def _httpx_json(encoding: str | None) -> Callable[..., Callable[[int], Iterator[Any]]]:
    def opened(url: str, ca_file: str, token_file: str, anchor: str) -> Callable[[int], Iterator[Any]]:
        import httpx

        headers = {"Authorization": f"Bearer {Path(token_file).read_text().strip()}"}
        if encoding is not None:
            headers["Accept-Encoding"] = encoding
        client = httpx.Client(verify=ssl.create_default_context(cafile=ca_file), headers=headers, timeout=60)
        end = int(datetime.fromisoformat(anchor).timestamp()) * _NS

        def pages(lines: int) -> Iterator[Any]:
            start = end - 3600 * _NS
            while True:
                form = {"query": _query(lines), "start": start, "end": end, "limit": PAGE, "direction": "forward"}
                answer = client.post(f"{url}/loki/api/v1/query_range", data=form)
                answer.raise_for_status()
                page = [
                    (int(at), line, stream["stream"])
                    for stream in answer.json()["data"]["result"]
                    for at, line in stream["values"]
                ]
                page.sort(key=itemgetter(0))
                yield page
                if len(page) < PAGE:
                    return
                # The bulk's times are all different: none is lost here.
                start = page[-1][0] + 1

        return pages

    return opened


def _totals_of_pages(pages: Iterator[Any]) -> Totals:
    totals = {"lines": 0, "bytes": 0, "times": 0}
    for page in pages:
        totals["lines"] += len(page)
        totals["bytes"] += sum(len(line) for _, line, _ in page)
        totals["times"] += sum(at % _NS for at, _, _ in page)
    return totals


SIDES: dict[str, tuple[Callable[..., Callable[[int], Iterator[Any]]], Callable[[Iterator[Any]], Totals]]] = {
    "fleetscope": (_ours, _totals_of_frames),
    "httpx + json": (_httpx_json(None), _totals_of_pages),
    "the same, no gzip": (_httpx_json("identity"), _totals_of_pages),
}


def _query(lines: int) -> str:
    return f'{{bulk="{lines}", parts="20"}}'


def _cpu(name: str, arguments: list[str]) -> dict[str, Any]:
    """Within a process: CPU seconds of a pass, at whose end all lines are there; the sums, which only check, apart."""
    opened, totals_of = SIDES[name]
    read = opened(*arguments)
    totals = totals_of(iter(list(read(LINES))))
    began = time.process_time()
    for _ in range(PASSES):
        list(read(LINES))
    return {"cpu_seconds": (time.process_time() - began) / PASSES, "totals": totals}


def _memory(arguments: list[str]) -> dict[str, Any]:
    """Within a process: the peak over what it had when it was idle, for many lines that nobody keeps."""
    read = _ours(*arguments)
    for _ in read(10):
        pass
    count, peak = peak_of(lambda: sum(len(frame) for frame in read(MANY_LINES)))
    assert count == MANY_LINES, count
    return {"count": count, "of": "lines", **peak}


def _overhead(arguments: list[str]) -> dict[str, Any]:
    """Within a process: time beyond that of a reader of the same pages that looks at nothing it reads."""
    from fleet.collectors.loki.client import LokiClient

    asked: list[tuple[str, dict[str, Any]]] = []
    whole = LokiClient.lines

    def noted(self: LokiClient, logql: str, start_ns: int, end_ns: int, **terms: Any) -> Any:
        asked.append((logql, {"start": start_ns, "end": end_ns, **terms}))
        return whole(self, logql, start_ns, end_ns, **terms)

    read = _ours(*arguments)
    LokiClient.lines = noted  # type: ignore[method-assign]
    for _ in read(LINES):
        pass
    LokiClient.lines = whole  # type: ignore[method-assign]
    # In turn, and the quickest of each: what else the machine does is on neither's account.
    pairs = [(_bare_seconds(arguments, asked), seconds_of(read(LINES))) for _ in range(4)]
    server, ours = (min(side) for side in zip(*pairs, strict=True))
    return {"server_seconds": server, "overhead": ours / server - 1}


def _bare_seconds(arguments: list[str], asked: list[tuple[str, dict[str, Any]]]) -> float:
    import http.client
    from urllib.parse import urlencode, urlsplit

    url, ca_file, token_file, _ = arguments
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=ca_file)
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context)
    headers = {
        "Authorization": f"Bearer {Path(token_file).read_text().strip()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    began = time.perf_counter()
    for logql, terms in asked:
        connection.request(
            "POST", f"{parts.path}/loki/api/v1/query_range", urlencode({"query": logql, **terms}), headers
        )
        answer = connection.getresponse()
        assert answer.status == 200
        while answer.read(1 << 18):
            pass
    return time.perf_counter() - began


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    measured = {"memory": _memory, "overhead": _overhead}.get(what)
    print(json.dumps(measured(given) if measured else _cpu(what, given)))
