"""Objects whose rows went lately: they last a while, for whoever is just reading them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "objects_let_go",
        sa.Column("object_key", sa.String(), nullable=False),
        sa.Column("let_go_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("object_key", name="pk_objects_let_go"),
    )


def downgrade() -> None:
    op.drop_table("objects_let_go")
