"""Alembic's entry point: runs inside the transaction that ``Database.migrate`` opened."""

from __future__ import annotations

from alembic import context

from storage.tables import METADATA

VERSION_TABLE = "fleetscope_version"
"""Its own name, so that the database may be shared with others that use Alembic (Prefect does)."""

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
