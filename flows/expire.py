"""Expire data: let go of what was kept long enough."""

from __future__ import annotations

from prefect import flow
from prefect.states import Completed, State

from storage.retention.expired import Expiry
from tasks.expire import expire_rows, publish_expiry, sweep_objects


@flow(name="expire-data", persist_result=False)
def expire_data(dry_run: bool = False) -> State[Expiry]:
    """Delete data whose time is over, kind by kind; what an investigation cites stays as long as it does.

    Rows go first. The objects that they named go with a later run, and so does what killed runs left behind.

    Args:
        dry_run: Only tell what would go.
    """
    expiry = Expiry(dry_run=dry_run, swept=sweep_objects(dry_run), expired=expire_rows(dry_run))
    publish_expiry(expiry)
    rows = sum(each.rows for each in expiry.expired)
    went = "would go" if dry_run else "went"
    return Completed(message=f"{rows:,} rows and {expiry.swept.objects:,} objects {went}.", data=expiry)
