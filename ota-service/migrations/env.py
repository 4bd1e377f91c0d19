"""Alembic's entry: everything is in `shared.sql.migrations`."""

from ota_service.firmware import models as _firmware  # noqa: F401 - fills the metadata
from ota_service.fleet.models import Table
from ota_service.settings import Settings
from shared.sql import migrations

migrations.run(Settings(), Table.metadata)
