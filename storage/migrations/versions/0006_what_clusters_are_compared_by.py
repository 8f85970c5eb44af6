"""By what scans compare clusters with their like."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "cluster_levels",
        sa.Column("scan_id", sa.String(), nullable=False),
        sa.Column("cluster_id", sa.String(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("scan_id", "cluster_id", name="pk_cluster_levels"),
    )
    op.create_index("ix_cluster_levels_cluster_id", "cluster_levels", ["cluster_id"])


def downgrade() -> None:
    op.drop_table("cluster_levels")
