"""Commands to devices."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_commands",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("command_id", sa.Uuid(), nullable=False),
        sa.Column("device_uid", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_commands")),
        sa.UniqueConstraint("command_id", name=op.f("uq_device_commands_command_id")),
    )
    op.create_index("ix_device_commands_deadline", "device_commands", ["deadline"], unique=False)
    op.create_index("ix_device_commands_device_uid_id", "device_commands", ["device_uid", "id"], unique=False)
    op.create_index("ix_device_commands_next_attempt_at", "device_commands", ["next_attempt_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_device_commands_next_attempt_at", table_name="device_commands")
    op.drop_index("ix_device_commands_device_uid_id", table_name="device_commands")
    op.drop_index("ix_device_commands_deadline", table_name="device_commands")
    op.drop_table("device_commands")
