"""What each endpoint is being asked: leases, budgets and breakers, shared by all processes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "governed_endpoints",
        sa.Column("endpoint", sa.String(), nullable=False),
        *(sa.Column(name, sa.ARRAY(sa.String()), nullable=False) for name in ("lease_ids", "lease_owners")),
        sa.Column("lease_ends", sa.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("waiting_ids", sa.ARRAY(sa.String()), nullable=False),
        *(
            sa.Column(name, sa.ARRAY(sa.DateTime(timezone=True)), nullable=False)
            for name in ("waiting_since", "waiting_ends", "ended")
        ),
        sa.Column("bytes_left", sa.Float(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures_in_a_row", sa.Integer(), nullable=False),
        sa.Column("minute_began", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("minute_requests", "minute_failures")),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("probe", sa.String(), nullable=True),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("admitted", "held_back", "failed", "opened", "answer_bytes")
        ),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("asked_seconds", "waited_seconds")),
        sa.PrimaryKeyConstraint("endpoint", name="pk_governed_endpoints"),
    )
    # A row changes with every request: room for its next version on the same page, so that no index is touched.
    op.execute("ALTER TABLE governed_endpoints SET (fillfactor = 25)")


def downgrade() -> None:
    op.drop_table("governed_endpoints")
