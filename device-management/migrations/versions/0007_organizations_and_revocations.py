"""Organizations have a state, a device limit and settings; the list of refused tokens."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "organizations", sa.Column("state", sa.String(length=16), nullable=False, server_default=sa.text("'active'"))
    )
    op.add_column("organizations", sa.Column("device_limit", sa.Integer(), nullable=True))
    op.add_column(
        "organizations",
        sa.Column(
            "settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default=sa.text("'{}'::jsonb")
        ),
    )
    op.add_column("organizations", sa.Column("version", sa.BigInteger(), nullable=False, server_default=sa.text("1")))
    op.add_column(
        "organizations",
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
    )
    op.create_table(
        "revocations",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kind", "subject_id", name=op.f("pk_revocations")),
    )
    op.create_index(op.f("ix_revocations_until"), "revocations", ["until"])


def downgrade() -> None:
    op.drop_table("revocations")
    for column in ("updated_at", "version", "settings", "device_limit", "state"):
        op.drop_column("organizations", column)
