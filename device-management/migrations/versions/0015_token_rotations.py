"""Tokens of a new generation beside those of the one before, for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("newest_token_generation", sa.Integer(), server_default="1", nullable=False))
    op.execute("update devices set newest_token_generation = min_token_generation")
    op.create_table(
        "token_rotations",
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_token_rotations_device_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_id", "generation", name=op.f("pk_token_rotations")),
    )
    op.create_index("ix_token_rotations_due_at", "token_rotations", ["due_at"])


def downgrade() -> None:
    op.drop_table("token_rotations")
    op.drop_column("devices", "newest_token_generation")
