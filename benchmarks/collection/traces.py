"""Collecting traces: CPU beside httpx + json, memory for 200,000 spans, and time beyond the server's own.

Both sides search the same traces, fetch each by its id over TLS, and end with the same Arrow columns of all spans:
padded ids, times, service, name, kind, status, attributes and resource as JSON, checked by their number and the sums of
their times and texts. Each side runs in processes of its own, in turn, several rounds; medians are shown. The other one
is written as one who knows httpx writes it. httpx asks for gzip unless told otherwise; the simulated server never
compresses, so that it makes no difference here.
"""

from __future__ import annotations

import json
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.collection.compared import compared, peak_of, seconds_of, show
from benchmarks.collection.served import served_cluster

SPANS = 200_000
SPANS_A_TRACE = 50
ROUNDS = 3
MINUTES = 15
"""Of the bulk's hour: what the rounds read."""
QUERY = '{ resource.k8s.namespace.name = "bulk" && kind = server && name = "GET /" }'
_MODULE = "benchmarks.collection.traces"
Totals = dict[str, int]


def main() -> dict[str, Any]:
    """Measure, print, and give the figures."""
    with served_cluster("--bulk-spans", str(SPANS)) as cluster:
        figures = compared(_MODULE, list(SIDES), ROUNDS, cluster.arguments("tempo"))
    spans = figures["totals"]["spans"]
    speeds = {name: spans / seconds for name, seconds in figures["cpu_seconds"].items()}
    title = f"{spans:,} spans in traces of {SPANS_A_TRACE}, medians of {ROUNDS}"
    show(figures, title, "spans a CPU second", {name: f"{speed:,.0f}" for name, speed in speeds.items()})
    return {**figures, "spans_a_trace": SPANS_A_TRACE, "spans_a_cpu_second": speeds}


def _ours(url: str, ca_file: str, token_file: str, anchor: str) -> Callable[[int], Iterator[Any]]:
    from pydantic import SecretStr

    from fleet.collectors.tempo import TempoClient, TraceReading, TraceRequest
    from fleet.collectors.tempo.traceql import TraceQuery
    from fleet.credentials import Credential, GivenCredential
    from fleet.frames.window import Window
    from fleet.inventory.cluster import Endpoint

    token = SecretStr(Path(token_file).read_text().strip())
    client = TempoClient(Endpoint(url=url, ca_pem=Path(ca_file).read_text()), GivenCredential(Credential(token=token)))
    end = datetime.fromisoformat(anchor)

    def frames(minutes: int) -> Iterator[Any]:
        window = Window.before(end, timedelta(minutes=minutes))
        # The hour has ended a while ago for all that was pushed: it is not searched twice.
        reading = TraceReading(
            client, "bench", TraceRequest(TraceQuery(QUERY), window), now=lambda: end + timedelta(days=1)
        )
        yield from reading
        assert reading.coverage.error == "", reading.coverage.reason

    return frames


def _totals(tables: list[Any]) -> Totals:
    import pyarrow.compute as pc

    totals = {"spans": 0, "nanoseconds": 0, "characters": 0}
    for table in tables:
        totals["spans"] += table.num_rows
        totals["nanoseconds"] += (
            int((table["start_ns"].to_numpy() % 10**9).sum()) + pc.sum(table["duration_ns"]).as_py()
        )
        for name in ("trace_id", "span_id", "parent_id", "service", "name", "kind", "status", "attributes", "resource"):
            totals["characters"] += pc.sum(pc.binary_length(table[name].cast("string"))).as_py()
    return totals


def _httpx_json(url: str, ca_file: str, token_file: str, anchor: str) -> Callable[[int], Iterator[Any]]:
    from base64 import b64decode

    import httpx
    import pyarrow as pa

    headers = {"Authorization": f"Bearer {Path(token_file).read_text().strip()}"}
    client = httpx.Client(verify=ssl.create_default_context(cafile=ca_file), headers=headers, timeout=60)
    end = int(datetime.fromisoformat(anchor).timestamp())

    def hexadecimal(text: str) -> str:
        return b64decode(text).hex()

    def attributes(pairs: list[dict[str, Any]]) -> dict[str, Any]:
        found = {}
        for pair in pairs:
            [(kind, value)] = pair["value"].items()
            found[pair["key"]] = int(value) if kind == "intValue" else value
        return found

    def traces(minutes: int) -> Iterator[Any]:
        form: dict[str, str | int] = {"q": QUERY, "start": end - 60 * minutes, "end": end, "limit": 10_000, "spss": 1}
        found = client.get(f"{url}/api/search", params=form)
        found.raise_for_status()
        rows = []
        for trace in found.json()["traces"]:
            answer = client.get(f"{url}/api/v2/traces/{trace['traceID']}")
            answer.raise_for_status()
            for held in answer.json()["trace"]["resourceSpans"]:
                resource = attributes(held["resource"]["attributes"])
                text = json.dumps(resource, separators=(",", ":"))
                for span in (span for scoped in held["scopeSpans"] for span in scoped["spans"]):
                    start = int(span["startTimeUnixNano"])
                    row = {
                        "trace_id": hexadecimal(span["traceId"]),
                        "span_id": hexadecimal(span["spanId"]),
                        "parent_id": hexadecimal(span["parentSpanId"]) if "parentSpanId" in span else None,
                        "start_ns": start,
                        "duration_ns": int(span["endTimeUnixNano"]) - start,
                        "service": resource["service.name"],
                        "name": span["name"],
                        "kind": span["kind"].removeprefix("SPAN_KIND_").lower(),
                        "status": span["status"].get("code", "STATUS_CODE_UNSET").removeprefix("STATUS_CODE_").lower(),
                        "status_message": span["status"].get("message"),
                        "attributes": json.dumps(attributes(span["attributes"]), separators=(",", ":")),
                        "resource": text,
                    }
                    rows.append(row)
        yield pa.Table.from_pylist(rows)

    return traces


SIDES: dict[str, Callable[..., Callable[[int], Iterator[Any]]]] = {"fleetscope": _ours, "httpx + json": _httpx_json}


def _cpu(name: str, arguments: list[str]) -> dict[str, Any]:
    """Within a process: CPU seconds of reading; the sums, which only check, are made apart from it."""
    read = SIDES[name](*arguments)
    for _ in read(2):
        pass
    pieces: list[Any] = []
    began = time.process_time()
    for piece in read(MINUTES):
        pieces.append(piece)
    seconds = time.process_time() - began
    return {"cpu_seconds": seconds, "totals": _totals([getattr(each, "table", each) for each in pieces])}


def _memory(arguments: list[str]) -> dict[str, Any]:
    """Within a process: the peak over what it had when it was idle, for all spans of the bulk as one frame."""
    from fleet.frames.trace_frame import concatenate_spans

    read = _ours(*arguments)
    for _ in read(1):
        pass
    count, peak = peak_of(lambda: len(concatenate_spans(list(read(60)))))
    assert count == SPANS, count
    return {"count": count, "of": "spans", **peak}


def _overhead(arguments: list[str]) -> dict[str, Any]:
    """Within a process: time beyond that of readers of the same answers that look at nothing they read."""
    from fleet.collectors.transport import HttpTransport

    asked: list[tuple[str, list[tuple[str, str]], str]] = []
    whole = HttpTransport.answer

    def noted(self: HttpTransport, path: str, form: Any, **terms: Any) -> Any:
        asked.append((path, form, terms.get("accept", "application/json")))
        return whole(self, path, form, **terms)

    read = _ours(*arguments)
    HttpTransport.answer = noted  # type: ignore[method-assign]
    for _ in read(MINUTES):
        pass
    HttpTransport.answer = whole  # type: ignore[method-assign]
    server = min(_bare_seconds(arguments, asked) for _ in range(2))
    ours = min(seconds_of(read(MINUTES)) for _ in range(2))
    return {"server_seconds": server, "overhead": ours / server - 1}


def _bare_seconds(arguments: list[str], asked: list[tuple[str, list[tuple[str, str]], str]]) -> float:
    """As many at a time as the collector asks: searches one after the other, and then the traces."""
    import http.client
    from concurrent.futures import ThreadPoolExecutor
    from threading import local
    from urllib.parse import urlencode, urlsplit

    from fleet.collectors.tempo import TempoLimits

    url, ca_file, token_file, _ = arguments
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=ca_file)
    token = Path(token_file).read_text().strip()
    own = local()

    def ask(each: tuple[str, list[tuple[str, str]], str]) -> None:
        path, form, accept = each
        if not hasattr(own, "connection"):
            own.connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context)
        target = f"{parts.path}{path}" + (f"?{urlencode(form)}" if form else "")
        own.connection.request("GET", target, headers={"Authorization": f"Bearer {token}", "Accept": accept})
        answer = own.connection.getresponse()
        assert answer.status == 200
        while answer.read(1 << 18):
            pass

    began = time.perf_counter()
    for each in asked:
        if each[1]:
            ask(each)
    with ThreadPoolExecutor(TempoLimits().concurrency) as threads:
        list(threads.map(ask, (each for each in asked if not each[1])))
    return time.perf_counter() - began


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    measured = {"memory": _memory, "overhead": _overhead}.get(what)
    print(json.dumps(measured(given) if measured else _cpu(what, given)))
