"""Deliver the mails that are still owed: those that a mail server would not take when their report was made."""

from __future__ import annotations

from prefect import flow
from prefect.states import Completed, State

from tasks.deliver import deliver_due


@flow(name="deliver-reports", persist_result=False)
def deliver_reports() -> State[None]:
    """Send every mail that is due; one that fails again is owed until its attempts are used up."""
    counts = deliver_due()
    if not counts:
        return Completed(message="No mail is due.")
    return Completed(message=", ".join(f"{count} {state}" for state, count in sorted(counts.items())))
