"""A change: a dated fact about a cluster that can be a cause (a rollout, an OOM kill, a node that went)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from pydantic import BaseModel

from fleet.inventory.subject import Subject


class ChangeKind(StrEnum):
    """Kinds of changes, from the API's own objects and events or from two inventories."""

    ROLLOUT = "rollout"
    SCALED = "scaled"
    OOM_KILL = "oom-kill"
    RESTART = "restart"
    EVICTION = "eviction"
    NODE_CONDITION = "node-condition"
    NODE_JOINED = "node-joined"
    NODE_LEFT = "node-left"
    VERSION = "version"
    CAPABILITY = "capability"
    EVENT = "event"
    """Any other warning event of the cluster."""


class Change(BaseModel):
    """One change on one subject at one time (UTC); ``source`` says which object told it."""

    cluster_id: str
    kind: ChangeKind
    subject: Subject
    at: datetime
    summary: str
    before: str = ""
    after: str = ""
    source: str = ""

    @property
    def id(self) -> str:
        """The same change read twice has the same id: 16 hexadecimal digits."""
        text = "|".join(
            [self.cluster_id, self.kind, self.subject.identity, self.at.isoformat(), self.before, self.after]
        )
        return sha256(text.encode()).hexdigest()[:16]
