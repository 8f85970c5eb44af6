"""CPU seconds per million samples: our collector beside requests + json + pandas, against a real Prometheus.

Both read the same ranges over TLS with basic auth and end with the same float32 array of series × time (checked).
Each side runs in processes of its own, in turn, several rounds; medians are shown. ``JSON=file`` writes the same
as JSON.

The other side is written as one who knows requests and pandas writes it: one session, one array a series, one
reindex onto the grid. requests asks for gzip unless told otherwise and so pays for unpacking; it is shown both ways,
and the ratio that counts is against the cheaper one.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

START = datetime(2026, 2, 1, tzinfo=UTC)
HOURS = 24
STEP_SECONDS = 30
SERIES = 40
QUERIES = ("level", "rate(events_total[5m])", "count_of_things")
ROUNDS = 5
POINTS = HOURS * 3600 // STEP_SECONDS
PASSES = 2
"""Of all queries within one process, after one that is not counted (connections, imports, caches)."""


def main() -> None:
    """Measure, print, and write JSON when asked."""
    from tests.fleet.collectors.prometheus.certificates import Authority
    from tests.fleet.collectors.prometheus.real_prometheus import INSTALLED, RealPrometheus

    if not INSTALLED:
        sys.exit("prometheus and promtool are not installed (Debian package prometheus)")
    authority = Authority()
    pair = authority.issue()
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        (home / "ca.pem").write_text(authority.pem)
        _fill(home / "data")
        with RealPrometheus(home, certificate=(pair.certificate, pair.key), basic_auth=True) as server:
            names = list(SIDES)
            rounds = [{name: _in_process(name, server.url, home) for name in names} for _ in range(ROUNDS)]
    figures = {
        name: {
            phase: statistics.median(each[name][phase] for each in rounds) for phase in ("whole_path", "decode_alone")
        }
        for name in names
    }
    samples = rounds[0]["fleetscope"]["samples"]
    assert len({each[name]["checksum"] for each in rounds for name in names}) == 1, "the sides differ in their result"
    _show(figures, samples)


def _fill(data: Path) -> None:
    """A gauge of 17 digits, a counter, and small whole numbers: the three kinds of text that answers are made of."""
    from tests.fleet.collectors.prometheus.real_prometheus import backfill

    random = np.random.default_rng(1)
    begin = int(START.timestamp())
    times = range(begin - 600, begin + HOURS * 3600, STEP_SECONDS)
    labels = [
        {"instance": f"node-{number}.example", "device": "sda", "job": "node-exporter"} for number in range(SERIES)
    ]

    def series(values: Callable[[], Any]) -> list[tuple[dict[str, str], list[tuple[float, str]]]]:
        return [
            (each, [(at, str(value)) for at, value in zip(times, values().tolist(), strict=True)]) for each in labels
        ]

    count = len(times)
    backfill(
        data,
        [
            ("level", "gauge", series(lambda: 0.3 + random.normal(0, 0.02, count))),
            ("events_total", "counter", series(lambda: np.cumsum(random.integers(0, 3000, count)))),
            ("count_of_things", "gauge", series(lambda: random.integers(0, 40, count))),
        ],
    )


def _in_process(name: str, url: str, home: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.collector", name, url, str(home / "ca.pem")]
    # requests would put a CA bundle named in the environment before the one that it is given.
    environment = {
        key: value for key, value in os.environ.items() if key not in {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
    }
    output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    figures: dict[str, float] = json.loads(output)
    return figures


def _one_side(name: str, url: str, ca_file: str) -> None:
    """Within a process: CPU seconds per million samples of the whole path, and of decoding alone."""
    fetch, decode = SIDES[name](url, ca_file)
    bodies = [fetch(promql) for promql in QUERIES]
    arrays = [decode(body) for body in bodies]
    samples = sum(int(np.count_nonzero(~np.isnan(array))) for array in arrays)
    million = samples * PASSES / 1e6
    started = time.process_time()
    for _ in range(PASSES):
        for promql in QUERIES:
            decode(fetch(promql))
    whole = time.process_time() - started
    started = time.process_time()
    for _ in range(PASSES):
        for body in bodies:
            decode(body)
    alone = time.process_time() - started
    checksum = sum(float(np.nansum(array, dtype=np.float64)) for array in arrays)
    print(
        json.dumps(
            {
                "whole_path": whole / million,
                "decode_alone": alone / million,
                "samples": samples,
                "checksum": round(checksum, 3),
            }
        )
    )


Side = tuple[Callable[[str], Any], Callable[[Any], Any]]


def _ours(url: str, ca_file: str) -> Side:
    from pydantic import SecretStr

    from fleet.collectors.prometheus.answers import decode_range
    from fleet.collectors.prometheus.samples import Grid
    from fleet.collectors.transport import HttpTransport
    from fleet.credentials import Credential
    from fleet.inventory.cluster import Endpoint
    from tests.fleet.collectors.prometheus.real_prometheus import PASSWORD

    class Source:
        def credential(self, *, refresh: bool = False) -> Credential:
            return Credential(username="scan", password=SecretStr(PASSWORD))

    transport = HttpTransport(Endpoint(url=url, ca_pem=Path(ca_file).read_text()), Source())
    grid = Grid(START.timestamp(), STEP_SECONDS, POINTS)

    def fetch(promql: str) -> bytearray:
        with transport.answer("/api/v1/query_range", list(_form(promql).items()), post=True) as answer:
            return answer.body

    return fetch, lambda body: decode_range(body, url, grid).values


def _requests_pandas(url: str, ca_file: str, encoding: str | None = None) -> Side:
    import pandas as pd
    import requests

    from tests.fleet.collectors.prometheus.real_prometheus import PASSWORD

    session = requests.Session()
    session.verify = ca_file
    session.auth = ("scan", PASSWORD)
    if encoding is not None:
        session.headers["Accept-Encoding"] = encoding
    grid = START.timestamp() + STEP_SECONDS * np.arange(POINTS)

    def fetch(promql: str) -> bytes:
        answer = session.post(f"{url}/api/v1/query_range", data=_form(promql), timeout=60)
        answer.raise_for_status()
        return answer.content

    def decode(body: bytes) -> np.ndarray:
        columns = []
        for series in json.loads(body)["data"]["result"]:
            pairs = np.array(series["values"], dtype=np.float64)
            columns.append(pd.Series(pairs[:, 1].astype(np.float32), index=pairs[:, 0]))
        return pd.concat(columns, axis=1).reindex(grid).to_numpy(dtype=np.float32).T

    return fetch, decode


SIDES: dict[str, Callable[[str, str], Side]] = {
    "fleetscope": _ours,
    "requests + json + pandas": _requests_pandas,
    "the same, no gzip": lambda url, ca_file: _requests_pandas(url, ca_file, "identity"),
}


def _form(promql: str) -> dict[str, str]:
    end = START + timedelta(hours=HOURS) - timedelta(seconds=STEP_SECONDS)
    return {
        "query": promql,
        "start": f"{START.timestamp():.0f}",
        "end": f"{end.timestamp():.0f}",
        "step": str(STEP_SECONDS),
    }


def _show(figures: dict[str, dict[str, float]], samples: float) -> None:
    from rich.console import Console
    from rich.table import Table

    ours = figures["fleetscope"]
    others = [figures[name] for name in figures if name != "fleetscope"]
    ratios = {phase: min(other[phase] for other in others) / ours[phase] for phase in ours}
    table = Table(title=f"CPU seconds per million samples ({samples / 1e6:.2f} million a pass, medians of {ROUNDS})")
    table.add_column("")
    table.add_column("HTTP, TLS and decoding", justify="right")
    table.add_column("decoding alone", justify="right")
    for name, figure in figures.items():
        table.add_row(name, f"{figure['whole_path']:.3f}", f"{figure['decode_alone']:.3f}")
    table.add_row("times less, against the cheaper", f"{ratios['whole_path']:.1f}", f"{ratios['decode_alone']:.1f}")
    table.add_row("at least (goal)", "3", "4 (5)")
    Console().print(table)
    target = os.environ.get("JSON")
    if target:
        document = {
            "benchmark": "collector",
            "unit": "CPU seconds per million samples",
            "samples": samples,
            "rounds": ROUNDS,
            "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
            "figures": figures,
            "ratios": ratios,
            "wanted": {"whole_path": 3.0, "decode_alone": 4.0},
        }
        Path(target).write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        _one_side(*sys.argv[1:])
    else:
        main()
