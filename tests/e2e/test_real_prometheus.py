"""Recorded machine data with labels in a real Prometheus, scanned as its owner would: how much of it is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from scipy.stats import poisson

from fleet.detectors.calibration.budget import false_findings_per_day
from fleet.detectors.contract import Sensitivity
from fleet.findings.finding import Finding
from tests.e2e.installation import Installation
from tests.fleet.collectors.prometheus.certificates import Authority
from tests.fleet.collectors.prometheus.real_prometheus import INSTALLED, PASSWORD, RealPrometheus, backfill

MACHINE = Path(__file__).parents[3] / "shared" / "data" / "smd" / "machine-2-1.parquet"
"""38 metrics of a server, a sample a minute; two weeks without labels, then two with (shared/data/README.md)."""
LABELLED_FROM = datetime(2026, 6, 1, tzinfo=UTC)
"""The recording has no times: the part with labels is made to begin here, and a week of it to be whole days."""
MINUTE = timedelta(minutes=1)
WEEK_MINUTES = 7 * 24 * 60
NEAR = 5 * MINUTE
"""Values are judged in blocks of five minutes."""

pytestmark = [
    pytest.mark.skipif(not INSTALLED, reason="the Debian package prometheus is not installed"),
    pytest.mark.skipif(not MACHINE.exists(), reason="the recorded data, ../shared/data, is not there"),
    pytest.mark.timeout(300),
    pytest.mark.slow,
]


@dataclass(frozen=True)
class Stretch:
    """A stretch of time that a person labelled as an anomaly."""

    start: datetime
    end: datetime

    def is_met_by(self, finding: Finding) -> bool:
        return finding.window.start - NEAR < self.end and self.start < finding.window.end + NEAR


@dataclass(frozen=True)
class Recording:
    """The machine's metrics that ever change, by name, and its labels; column 0 is ``start``."""

    start: datetime
    metrics: dict[str, np.ndarray[Any, np.dtype[np.float64]]]
    stretches: list[Stretch]

    @classmethod
    def read(cls) -> Recording:
        table = pq.read_table(MACHINE).to_pydict()
        unlabelled = table["part"].index("test")
        anomalous = np.array([bool(label) for label in table["label"][unlabelled : unlabelled + 2 * WEEK_MINUTES]])
        edges = np.flatnonzero(np.diff(np.concatenate(([0], anomalous, [0])).astype(int)))
        end = unlabelled + 2 * WEEK_MINUTES
        columns = {name: np.array(table[name][:end]) for name in table if name not in ("part", "label")}
        return cls(
            start=LABELLED_FROM - unlabelled * MINUTE,
            metrics={name: values for name, values in columns.items() if np.ptp(values) > 0},
            stretches=[
                Stretch(LABELLED_FROM + int(first) * MINUTE, LABELLED_FROM + int(last) * MINUTE)
                for first, last in zip(edges[::2], edges[1::2], strict=True)
            ],
        )

    def samples(self) -> Iterator[tuple[str, str, Any]]:
        times = self.start.timestamp() + 60 * np.arange(len(next(iter(self.metrics.values()))))
        for name, values in self.metrics.items():
            lines = ((at, repr(float(value))) for at, value in zip(times.tolist(), values, strict=True))
            yield f"machine_{name}", "gauge", [({"instance": "server-1", "job": "node"}, lines)]

    def write_pack(self, file: Path) -> Path:
        queries = [
            {
                "id": name,
                "title": f"Metric {name}",
                "group": "nodes",
                "promql": f"machine_{name}",
                "unit": "ratio",
                "kind": "gauge",
                "direction": "both",
                "subject": {"kind": "node", "name": "instance"},
                "severity": "warning",
                "needs": [f"machine_{name}"],
            }
            for name in self.metrics
        ]
        pack = {"name": "machine", "version": 1, "queries": queries}
        file.write_text(yaml.safe_dump(pack, sort_keys=False), encoding="utf-8")
        return file


@pytest.fixture(scope="module")
def recording() -> Recording:
    return Recording.read()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def prometheus(
    recording: Recording, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealPrometheus]:
    home = tmp_path_factory.mktemp("prometheus")
    backfill(home / "data", recording.samples())
    server = authority.issue()
    with RealPrometheus(home, certificate=(server.certificate, server.key), basic_auth=True) as running:
        yield running


def test_labelled_anomalies_of_a_recorded_machine(
    installation: Installation,
    recording: Recording,
    authority: Authority,
    prometheus: RealPrometheus,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pack = recording.write_pack(tmp_path / "machine.yaml")
    (tmp_path / "ca.pem").write_text(authority.pem)
    (tmp_path / "password").write_text(PASSWORD)
    findings: list[Finding] = []
    for week in (1, 2):
        result = installation.fleetscope(
            *("scan", "--prometheus", prometheus.url, "--pack", pack, "--sensitivity", "HIGH", "--json"),
            *("--until", (LABELLED_FROM + week * WEEK_MINUTES * MINUTE).isoformat(), "--last", "168h"),
            *("--username", "scan", "--password-file", tmp_path / "password", "--ca-file", tmp_path / "ca.pem"),
            *("--report-dir", tmp_path / "report"),
        )
        assert result.code == 0, result.err
        (coverage,) = result.json["coverage"]
        assert (coverage["status"], coverage["seen_ratio"]) == ("ok", 1.0)
        found = installation.stores.findings.list(scan_id=result.json["scan_id"])
        assert len(found) == result.json["findings"]
        findings += found
    met = [each for each in recording.stretches if any(each.is_met_by(finding) for finding in findings)]
    outside = [each for each in findings if not any(stretch.is_met_by(each) for stretch in recording.stretches)]
    labelled = sum((each.end - each.start for each in recording.stretches), timedelta()) / (2 * WEEK_MINUTES * MINUTE)
    with capfd.disabled():
        print(  # noqa: T201 - the figure is what this test is for
            f"\n{MACHINE.stem}: {len(met)} of {len(recording.stretches)} labelled stretches met by {len(findings)} "
            f"findings at HIGH, {len(outside)} findings outside of labels, which are {labelled:.1%} of the time"
        )
    assert len(recording.stretches) == 10
    # Most labels of this recording stand where no metric leaves what it did in the weeks before.
    assert len(met) >= 2
    # What is outside of labels is as much as the budget allows on as many quiet days.
    expected = 14 * false_findings_per_day(Sensitivity.HIGH, len(recording.metrics))
    assert len(outside) <= poisson.ppf(0.999, expected)
