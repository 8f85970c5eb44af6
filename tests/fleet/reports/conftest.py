from __future__ import annotations

import pytest
from weasyprint.document import Document

from fleet.reports.compose import compose_fleet_report
from fleet.reports.content import ReportContent
from fleet.reports.pdf import layout
from tests.fleet.reports import materials


@pytest.fixture(scope="session")
def ordinary() -> ReportContent:
    return compose_fleet_report(materials.ordinary())


@pytest.fixture(scope="session")
def hard() -> ReportContent:
    return compose_fleet_report(materials.hard())


@pytest.fixture(scope="session")
def ordinary_pages(ordinary: ReportContent) -> Document:
    return layout(ordinary)


@pytest.fixture(scope="session")
def hard_pages(hard: ReportContent) -> Document:
    return layout(hard)
