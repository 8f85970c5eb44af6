"""What happened alike to many things is told once."""

from datetime import UTC, datetime, timedelta

from fleet.inventory.alike import told_together
from fleet.inventory.differences import differences
from fleet.inventory.inventory import Inventory
from fleet.inventory.node import Node

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def look(at: datetime, *nodes: Node) -> Inventory:
    return Inventory(cluster_id="c1", observed_at=at, nodes=list(nodes))


def test_many_nodes_that_changed_alike_are_one_line_and_others_stay() -> None:
    names = [f"w{number}" for number in range(1, 7)]
    before = look(NOON, *(Node(name=name, kernel_version="1", labels={"rack": "a"}) for name in [*names, "x", "y"]))
    after = look(LATER, *(Node(name=name, kernel_version="2", labels={"rack": "b"}) for name in names))
    after.nodes[0].labels["rack"] = "c"
    changes = differences(before, after)
    assert len(changes) == 14
    assert [change.summary for change in told_together(changes)] == [
        "Node x left; likewise node y",
        "The kernel of node w1 went from 1 to 2; likewise node w2, node w3, node w4 and 2 more",
        "Node w1 was relabelled: -rack=a, +rack=c",
        "Node w2 was relabelled: -rack=a, +rack=b; likewise node w3, node w4, node w5 and 1 more",
    ]


def test_what_dates_itself_is_told_apart() -> None:
    half, third = NOON + timedelta(minutes=30), NOON + timedelta(minutes=20)
    joined = differences(look(NOON), look(LATER, Node(name="a", created_at=half), Node(name="b", created_at=third)))
    assert told_together(joined) == joined
