"""Facts that causes cite, in words."""

from __future__ import annotations

import pytest

from fleet.inventory.change import ChangeKind
from fleet.investigations.evidence import EvidenceBook
from tests.fleet.investigations.town import Town, workload


@pytest.mark.parametrize(
    ("summary", "told"),
    [
        ("Rollout of checkout", "Rollout of checkout (shop:1.4 → shop:1.5) at"),
        ("checkout has revision 2: shop:1.4 → shop:1.5", "checkout has revision 2: shop:1.4 → shop:1.5 at"),
    ],
)
def test_a_change_says_once_from_what_to_what_it_was(summary: str, told: str) -> None:
    town = Town()
    town.change(ChangeKind.ROLLOUT, workload("shop", "checkout"), 14, summary, before="shop:1.4", after="shop:1.5")
    book = EvidenceBook(town.material())
    assert book.at(book.change(town.changes[0])).summary.startswith(told)
