"""What a registration changes, as it is printed."""

from __future__ import annotations

import io

from rich.console import Console

from fleet.inventory.registration import FieldDifference, PlannedChange, Step
from interfaces.cli.cluster.plan import print_changes


def test_credentials_are_told_by_what_becomes_of_them_and_labels_by_their_values() -> None:
    differences = [
        FieldDifference(field="credential", before="stored", after=None),
        FieldDifference(field="endpoints.loki.credential", before=None, after="given"),
        FieldDifference(field="labels.kind-of-credential", before="token", after="pass[red]word"),
    ]
    written = io.StringIO()
    change = PlannedChange(name="edge-1", step=Step.CHANGED, differences=differences)
    print_changes(Console(file=written, width=200), [change, PlannedChange(name="edge-2", step=Step.UNCHANGED)])
    assert written.getvalue().splitlines() == [
        "~ edge-1 changed",
        "    credential: removed",
        "    endpoints.loki.credential: added",
        "    labels.kind-of-credential: token → pass[red]word",
        "1 changed, 1 unchanged",
    ]
