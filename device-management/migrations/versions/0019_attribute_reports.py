"""Which report of a device through ota-service is the latest."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attribute_reports",
        sa.Column("device_uid", sa.String(64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_uid", name=op.f("pk_attribute_reports")),
    )


def downgrade() -> None:
    op.drop_table("attribute_reports")
