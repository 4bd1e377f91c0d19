"""A device remembers which update it follows."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("installed_counter", sa.BigInteger(), server_default="0", nullable=False))
    op.alter_column("devices", "installed_counter", server_default=None)


def downgrade() -> None:
    op.drop_column("devices", "installed_counter")
