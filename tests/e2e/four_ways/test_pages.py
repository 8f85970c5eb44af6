"""What somebody sees of a scan who opens its run in Prefect's UI."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.fleets import Registered
from tests.e2e.four_ways.asking import end_of
from tests.e2e.installation import Installation

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MILLISECONDS = 40_000

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="the Debian package chromium is not installed"),
    pytest.mark.timeout(240),
]


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        yield page
        browser.close()


def test_a_scan_in_the_ui(house: Installation, clusters: Registered, scanned: str, page: Page, tmp_path: Path) -> None:
    assert end_of(house, scanned)["type"] == "COMPLETED"
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    log_in(house, page)
    run = f"{house.addresses.prefect.ui_url}/runs/flow-run/{scanned}"
    open_artifacts(page, run)
    for key in ("progress", "coverage", "findings", "incidents", "report-pdf"):
        expect(page.get_by_text(key, exact=True).last).to_be_visible()
    page.screenshot(path=tmp_path / "run.png", full_page=True)

    open_artifact(page, run, "coverage")
    scan = house.stores.scans.get(scanned)
    for cluster_id in scan.cluster_ids:
        expect(page.get_by_role("cell").get_by_text(house.stores.clusters.get(cluster_id).name)).to_be_visible()
    page.screenshot(path=tmp_path / "coverage.png")

    open_artifact(page, run, "findings")
    for finding in house.stores.findings.list(scan_id=scanned)[:3]:
        expect(page.get_by_role("cell").get_by_text(finding.subject.display, exact=True).first).to_be_visible()
    page.screenshot(path=tmp_path / "findings.png")

    open_artifact(page, run, "incidents")
    for incident in house.stores.incidents.list(scan_id=scanned):
        # The page is from the end of the scan; scheduled scans may have investigated the incident anew since.
        causes = [each.causes[0].title for each in house.stores.investigations.list(incident_ids=[incident.id])]
        cells = page.get_by_role("cell").filter(has_text=re.compile("|".join(map(re.escape, causes))))
        expect(cells.first).to_be_visible()
    page.screenshot(path=tmp_path / "incidents.png")

    open_artifact(page, run, "report-pdf")
    (report,) = house.stores.reports.list(scan_id=scanned)
    link = page.get_by_role("link", name=f"{report.title} (pdf)")
    expect(link).to_be_visible()
    assert page.request.get(str(link.get_attribute("href"))).body().startswith(b"%PDF-")
    # Nobody else is told that an operator looks.
    assert {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))} == {"127.0.0.1"}


def log_in(house: Installation, page: Page) -> None:
    """As the operator does: with the text of the file that ``fleetscope up`` names."""
    assert house.addresses.prefect.auth_file is not None
    page.goto(house.addresses.prefect.ui_url)
    page.locator("input").first.fill(house.addresses.prefect.auth_file.read_text())
    page.keyboard.press("Enter")
    expect(page.get_by_text("Flow Runs").first).to_be_visible()


def open_artifacts(page: Page, run: str) -> None:
    page.goto(run)
    expect(page.get_by_text("scan-fleet").first).to_be_visible()
    page.get_by_text("Artifacts", exact=True).last.click()


def open_artifact(page: Page, run: str, key: str) -> None:
    open_artifacts(page, run)
    page.get_by_text(key, exact=True).last.click()
    page.wait_for_url("**/artifacts/artifact/**")
