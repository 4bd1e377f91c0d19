"""Tellings of the whole fleet."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "resyncs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("everyone", sa.Boolean(), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("up_to_id", sa.BigInteger(), nullable=False),
        sa.Column("after_id", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("stepped_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_resyncs_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resyncs")),
    )
    op.create_index(op.f("ix_resyncs_organization_id"), "resyncs", ["organization_id"], unique=False)
    op.create_index(
        "ix_resyncs_running", "resyncs", ["stepped_at"], unique=False, postgresql_where=sa.text("completed_at is null")
    )


def downgrade() -> None:
    op.drop_index("ix_resyncs_running", table_name="resyncs", postgresql_where=sa.text("completed_at is null"))
    op.drop_index(op.f("ix_resyncs_organization_id"), table_name="resyncs")
    op.drop_table("resyncs")
