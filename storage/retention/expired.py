"""What went, or would go."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict

from storage.retention.lifetimes import DataKind


class Expired(BaseModel):
    """What expired of one kind.

    Attributes:
        kind: of what.
        older_than: what tells of an earlier time has expired.
        rows: that went.
        object_bytes: that their rows named; a later sweep deletes them.
        kept: older rows that stay, since an investigation or an unresolved finding cites what they name.
    """

    model_config = ConfigDict(frozen=True)

    kind: DataKind
    older_than: AwareDatetime
    rows: int
    object_bytes: int = 0
    kept: int = 0


class Swept(BaseModel):
    """Objects that nothing named any more, and their size together."""

    model_config = ConfigDict(frozen=True)

    objects: int
    object_bytes: int


class Expiry(BaseModel):
    """One run over all kinds of data; nothing was changed by a dry one."""

    model_config = ConfigDict(frozen=True)

    dry_run: bool
    swept: Swept
    expired: list[Expired]
