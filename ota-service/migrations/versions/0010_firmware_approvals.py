"""How many must approve a firmware, who has, and that it may be withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("firmwares", sa.Column("withdrawn_by", sa.String(length=64), nullable=True))
    op.add_column("firmwares", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("firmwares", sa.Column("withdrawn_because", sa.String(length=500), nullable=True))
    op.create_table(
        "firmware_approvals",
        sa.Column("firmware_id", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["firmware_id"], ["firmwares.id"], name=op.f("fk_firmware_approvals_firmware_id_firmwares")
        ),
        sa.PrimaryKeyConstraint("firmware_id", "by", name=op.f("pk_firmware_approvals")),
    )
    op.execute(
        "insert into firmware_approvals (firmware_id, by, at) "
        "select id, approved_by, approved_at from firmwares where approved_by is not null"
    )
    op.create_table(
        "firmware_policies",
        sa.Column("organization_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("approvals", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column(
            "changed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("approvals between 1 and 10", name=op.f("ck_firmware_policies_approvals")),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_firmware_policies")),
    )


def downgrade() -> None:
    op.drop_table("firmware_policies")
    op.drop_table("firmware_approvals")
    for column in ("withdrawn_because", "withdrawn_at", "withdrawn_by"):
        op.drop_column("firmwares", column)
