"""An organization has a class of retention for its telemetry."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "organizations",
        sa.Column("telemetry_retention", sa.String(length=16), server_default="standard", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("organizations", "telemetry_retention")
