"""What each scan saw: a row a scan and finding, and a scan and incident."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for entity in ("finding", "incident"):
        table = f"{entity}_sightings"
        op.create_table(
            table,
            sa.Column("scan_id", sa.String(), nullable=False),
            sa.Column("seen_id", sa.String(), nullable=False),
            sa.Column("cluster_id", sa.String(), nullable=False),
            sa.PrimaryKeyConstraint("scan_id", "seen_id", name=f"pk_{table}"),
        )
        op.create_index(f"ix_{table}_seen_id", table, ["seen_id"])
        op.execute(
            f"INSERT INTO {table} (scan_id, seen_id, cluster_id) SELECT scan_id, id, cluster_id FROM {entity}s"  # noqa: S608
        )
        op.drop_index(f"ix_{entity}s_scan_id", f"{entity}s")


def downgrade() -> None:
    for entity in ("finding", "incident"):
        op.create_index(f"ix_{entity}s_scan_id", f"{entity}s", ["scan_id"])
        op.drop_table(f"{entity}_sightings")
