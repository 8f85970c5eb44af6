"""Expire: let go of data whose time is over, and tell what went.

The time is the database's: a host whose clock runs ahead would delete what is not over yet.
"""

from __future__ import annotations

from typing import Any

from prefect import task

from blocks.loading import load_block
from blocks.retention import DataLifetimes
from blocks.stores import BLOCK_NAME, open_stores
from storage.retention.expired import Expired, Expiry, Swept
from storage.retention.lifetimes import Lifetimes
from tasks.policy import STEP
from tasks.publish import publish_table


@task(name="sweep_objects", **STEP)
def sweep_objects(dry_run: bool) -> Swept:
    """Delete objects that nothing names any more."""
    stores = open_stores()
    return stores.retention.sweep(stores.database.now(), dry_run=dry_run)


@task(name="expire_rows", **STEP)
def expire_rows(dry_run: bool) -> list[Expired]:
    """Delete the rows of data whose time is over."""
    stores = open_stores()
    return stores.retention.expire(lifetimes(), stores.database.now(), dry_run=dry_run)


@task(name="publish_expiry", **STEP)
def publish_expiry(expiry: Expiry) -> None:
    """A table of what went, or would go."""
    went = "would go" if expiry.dry_run else "went"
    swept = f"{expiry.swept.objects:,} objects that nothing named, {expiry.swept.object_bytes / 2**20:,.1f} MiB"
    publish_table("expired-data", f"What {went}, by kind; and {swept}.", [_row(each) for each in expiry.expired])


def lifetimes() -> Lifetimes:
    """How long this installation keeps its data."""
    return load_block(DataLifetimes, BLOCK_NAME).lifetimes


def _row(expired: Expired) -> dict[str, Any]:
    return {
        "kind": expired.kind.value,
        "rows": expired.rows,
        "kept for citations": expired.kept,
        "MiB of objects": round(expired.object_bytes / 2**20, 1),
        "older than": f"{expired.older_than:%Y-%m-%d %H:%M}Z",
    }
