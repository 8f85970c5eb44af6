"""The one statement that all stores share: insert a row, or bring the one with its key up to date."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlmodel import SQLModel


def table_of(row: type[SQLModel]) -> Table:
    """The table behind a row class."""
    table: Table = row.__table__  # type: ignore[attr-defined]
    return table


def upsert(row: type[SQLModel], *, keep: Collection[str] = ()) -> Insert:
    """``INSERT … ON CONFLICT (primary key) DO UPDATE`` of every column that is given, but for those to keep.

    Args:
        row: the table's row class; execute the statement with a dict of all its columns, or a list of them.
        keep: columns that stay as they are when the row exists.
    """
    table = table_of(row)
    statement = insert(table)
    changed: dict[str, Any] = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if not column.primary_key and column.name not in keep
    }
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed)
