"""What was learnt of clusters' pasts: versions of it, of which one is active, and which scan used which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "models",
        sa.Column("cluster_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("pack_hash", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("cluster_id", "version", name="pk_models"),
    )
    op.create_index(
        "ix_models_active", "models", ["cluster_id", "pack_hash"], unique=True, postgresql_where=sa.text("active")
    )
    op.create_table(
        "model_uses",
        sa.Column("scan_id", sa.String(), nullable=False),
        sa.Column("cluster_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scan_id", "cluster_id", name="pk_model_uses"),
    )


def downgrade() -> None:
    op.drop_table("model_uses")
    op.drop_table("models")
