"""What devices say of themselves, and whether their word about their firmware is later than the last update."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("firmware_confirmed", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("devices", sa.Column("reported_firmware_version", sa.String(64)))
    op.add_column("devices", sa.Column("reported_attributes", JSONB(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column("devices", sa.Column("reported_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    for name in ("reported_at", "reported_attributes", "reported_firmware_version", "firmware_confirmed"):
        op.drop_column("devices", name)
