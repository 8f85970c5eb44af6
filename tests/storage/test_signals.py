"""Logs, traces, alerts and rules as they are stored: whole, by chunk, and gone when they are damaged or over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fleet.errors import CorruptObject
from fleet.frames.alerts import AlertFrame, RuleFrame
from fleet.frames.coverage import Coverage, CoverageStatus, Signal
from fleet.frames.log_frame import LogFrame, nanoseconds
from fleet.frames.trace_frame import SCHEMA, SpanFrame
from fleet.inventory.inventory import Capability, Gap, Inventory, Presence, Workload
from storage.credentials.store import CredentialStore
from storage.database import Database
from storage.inventories import InventoryStore
from storage.objects import ObjectStore
from storage.retention.lifetimes import DataKind, Lifetimes
from storage.stores import Stores
from tests.fleet.frames.test_firing import rule
from tests.fleet.reports.parts import alert
from tests.storage.entities import CLUSTER, hours

QUESTION = "0123456789abcdef"
SIGNALS = {"logs": "loki", "traces": "tempo", "alerts": "alertmanager", "rules": "prometheus"}


@pytest.fixture
def stores(database: Database, objects: ObjectStore, credentials: CredentialStore) -> Stores:
    for each in objects.under("frames"):
        objects.delete(each.key)
    return Stores.over(database, objects, credentials)


def seen(name: str, **fields: Any) -> Coverage:
    signal = Signal.ALERTS if name == "rules" else Signal(name)
    window = hours(0, 1)
    told = {"status": CoverageStatus.OK, "collected_at": window.end, "endpoint": "https://there.example", **fields}
    return Coverage(
        cluster_id=CLUSTER,
        signal=signal,
        collector=SIGNALS[name],
        window=window,
        step_seconds=0,
        pack_hash=QUESTION,
        **told,
    )


def frame_of(name: str) -> Any:
    at = hours(0, 1).start
    if name == "logs":
        return LogFrame(
            np.array([nanoseconds(at) + 7]),
            np.zeros(1, np.int32),
            [{"pod": "a"}],
            pa.array(["it broke"], pa.large_string()),
        )
    if name == "traces":
        row = dict.fromkeys(SCHEMA.names, "x") | {"start_ns": nanoseconds(at), "duration_ns": 5}
        return SpanFrame(pa.Table.from_pylist([row], SCHEMA))
    if name == "alerts":
        return AlertFrame(at=at, alerts=[alert("Down")])
    return RuleFrame(at=at, alert_rules=[rule("Down", alert("Down").state, [alert("Down")])])


def stored(stores: Stores, name: str) -> Coverage:
    getattr(stores, name).save([(seen(name), frame_of(name))])
    [row] = stores.coverage.list(hours(0, 1), collector=SIGNALS[name])
    return row


@pytest.mark.parametrize("name", SIGNALS)
def test_what_was_stored_comes_back_and_damage_is_struck_out(stores: Stores, objects: ObjectStore, name: str) -> None:
    row = stored(stores, name)
    assert str(row.object_key).startswith(f"frames/{CLUSTER}/{SIGNALS[name]}/{QUESTION}/0s/")
    back, given = getattr(stores, name).load(row), frame_of(name)
    if name == "logs":
        assert (back.line(0), back.labels(0), back.timestamps_ns.tolist()) == (
            "it broke",
            {"pod": "a"},
            given.timestamps_ns.tolist(),
        )
    elif name == "traces":
        assert back.table.to_pylist() == given.table.to_pylist()
    else:
        assert back == given
    objects.put(str(row.object_key), b"x" * row.object_bytes, "text/plain")
    with pytest.raises(CorruptObject, match="fetched anew"):
        getattr(stores, name).load(row)
    [struck] = stores.coverage.list(hours(0, 1), collector=SIGNALS[name])
    assert (struck.status, struck.object_key) == (CoverageStatus.UNKNOWN, None)
    assert stores.coverage.missing(CLUSTER, SIGNALS[name], QUESTION, 0, [hours(0, 1)]) == [hours(0, 1)]


def test_what_holds_nothing_is_a_row_alone(stores: Stores) -> None:
    stores.logs.save([(seen("logs"), LogFrame.empty())])
    [row] = stores.coverage.list(hours(0, 1))
    assert (row.object_key, stores.logs.load(row)) == (None, None)


def test_signals_are_evidence_that_expires_and_is_counted(stores: Stores) -> None:
    before = stores.retention.usage(Lifetimes()).objects
    rows = [stored(stores, name) for name in SIGNALS]
    usage = stores.retention.usage(Lifetimes())
    evidence = next(each for each in usage.kinds if each.kind is DataKind.EVIDENCE)
    assert (evidence.rows, evidence.object_bytes) == (4, sum(row.object_bytes for row in rows))
    assert usage.objects == before + 4
    assert [each.rows for each in usage.kinds if each.kind in {DataKind.FRAMES, DataKind.HISTORY}] == [0, 0]
    expired = stores.retention.expire(Lifetimes(), hours(0, 1).end + timedelta(days=31))
    assert {each.kind: each.rows for each in expired if each.rows} == {DataKind.EVIDENCE: 4}
    assert stores.retention.sweep(datetime.now(UTC) + timedelta(days=2)).objects == before + 4


def inventory(cluster_id: str, image: str = "", **fields: Any) -> Inventory:
    workloads = [
        Workload(
            namespace="a", kind="Deployment", name="a", images=["registry.example/shop:1", *([image] if image else [])]
        )
    ]
    absent = [Capability(name="loki", presence=Presence.ABSENT)]
    told = {"workloads": workloads, "capabilities": absent, **fields}
    return Inventory(cluster_id=cluster_id, observed_at=hours(0, 1).start, **told)


def test_only_what_was_seen_whole_is_known_to_lack_a_program(database: Database) -> None:
    inventories = InventoryStore(database)
    present = [Capability(name="loki", presence=Presence.PRESENT)]
    inventories.put(inventory("bare"))
    inventories.put(inventory("runs", "docker.io/grafana/Loki:3.1.1"))
    inventories.put(inventory("stack", capabilities=present))
    inventories.put(inventory("refused", gaps=[Gap(part="statefulsets", reason="403")]))
    wanted = ["bare", "runs", "stack", "refused", "never-looked-at"]
    assert inventories.without(wanted, ["loki"], "loki") == {"bare"}
    assert inventories.without([], ["loki"], "loki") == set()
