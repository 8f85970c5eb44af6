"""The first thing that anybody runs: from nothing to a report on a simulated fleet, and once more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from deployments.embedded.control import stop_stack
from deployments.embedded.stack import Stack
from deployments.embedded.status import stack_status
from deployments.installation import stores_of
from fleet.findings.scan import Scan
from storage.stores import Stores
from tests.e2e.newcomer import Ended, Newcomer

WORDS = {
    "memory-leak": re.compile(r"memory leak in workload"),
    "noisy-neighbour": re.compile(r"workload \S+ took [\d.]+ cores more"),
    "bad-rollout": re.compile(r"rollout of workload"),
    "disk-filling": re.compile(r"device \S+ of node \S+ is filling up"),
    "exporter-down": re.compile(r"node-exporter on \S+ gave no samples"),
}
"""How each kind of cause is spoken of."""


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    newcomer = Newcomer(tmp_path)
    yield newcomer
    stop_stack(newcomer.settings)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_demo_twice(newcomer: Newcomer, capfd: pytest.CaptureFixture[str]) -> None:
    first = newcomer.run("demo")
    assert first.code == 0, first.err
    truth = json.loads((newcomer.settings.state_dir / "demo" / "truth.json").read_text())
    faults = truth["faults"]
    assert len(faults) == 5
    stages = ("discover", "collect", "learn", "detect", "correlate", "investigate")
    assert all(re.search(rf"^{stage} .* 3/3", first.err, re.MULTILINE) for stage in stages)
    said = one_line(first.out)
    for cluster in truth["clusters"]:
        assert re.search(rf"{cluster} +│ +[A-F] +│ +ok +│ +100%", first.out), first.out
    for fault in faults:
        assert fault["cause"]["subject"]["name"] in said
        assert WORDS[fault["cause"]["kind"]].search(said), fault["id"]
    pdf, html = (Path(file) for file in re.findall(r"^report: (\S+)", first.out, re.MULTILINE))
    assert "<svg" in html.read_text()
    address = re.search(r"Prefect UI: (http://127\.0\.0\.1:\d+)", first.out)
    assert address is not None

    # The stack stays, and with it what the demo has stored.
    assert stack_status(newcomer.settings).is_running
    assert address.group(1) == Stack(newcomer.settings).addresses().prefect.ui_url
    with closing(stores_of(Stack(newcomer.settings).addresses())) as stores:
        check_stored_pdf(stores, first, pdf, faults)
        assert scans(stores)[0].counts["fetched"] > 0

        second = newcomer.run("demo")
        assert second.code == 0, second.err
        again, before = scans(stores)
        assert again.window == before.window
        assert again.counts["fetched"] == 0
        assert incident_lines(second) == incident_lines(first)
    with capfd.disabled():
        print(f"\ndemo: {first.seconds:.0f} s cold, {second.seconds:.0f} s warm")  # noqa: T201 - figures
    assert second.seconds < first.seconds

    assert newcomer.processes()
    assert newcomer.run("down").code == 0
    assert stack_status(newcomer.settings).phase == "stopped"
    assert newcomer.processes() == []


def check_stored_pdf(stores: Stores, ended: Ended, pdf: Path, faults: list[dict[str, Any]]) -> None:
    """The printed object is there, is the file, and tells of every fault: cluster, subject and cause."""
    printed = re.search(r"^stored: s3://\w+/(\S+\.pdf) \(pdf\)", ended.out, re.MULTILINE)
    assert printed is not None
    stored = stores.objects.get(printed.group(1), sha256(pdf.read_bytes()).hexdigest())
    text = one_line(" ".join(page.extract_text() for page in PdfReader(BytesIO(stored)).pages))
    for fault in faults:
        assert fault["cluster"] in text
        assert fault["subject"]["name"] in text
        assert WORDS[fault["cause"]["kind"]].search(text), fault["id"]


def one_line(text: str) -> str:
    """Without line ends, which may stand anywhere, and capitals, which depend on where a sentence begins."""
    return re.sub(r"\s+", " ", text).lower()


def scans(stores: Stores) -> list[Scan]:
    """Newest first."""
    return stores.scans.list()


def incident_lines(ended: Ended) -> list[str]:
    """The paragraphs on incidents that a command has printed."""
    return re.findall(r"^ *(?:\d+\. |cause ).*$", ended.out, re.MULTILINE)
