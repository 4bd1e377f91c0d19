"""The audit log is read by organization, never by id alone: one index less to write for each entry."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_PRIMARY_KEY = op.f("pk_audit_entries")


def upgrade() -> None:
    op.drop_index("ix_audit_entries_organization_id", table_name="audit_entries")
    op.drop_constraint(_PRIMARY_KEY, "audit_entries", type_="primary")
    op.create_primary_key(_PRIMARY_KEY, "audit_entries", ["organization_id", "id"])


def downgrade() -> None:
    op.drop_constraint(_PRIMARY_KEY, "audit_entries", type_="primary")
    op.create_primary_key(_PRIMARY_KEY, "audit_entries", ["id"])
    op.create_index("ix_audit_entries_organization_id", "audit_entries", ["organization_id", "id"])
