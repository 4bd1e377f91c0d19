"""Alembic's entry: everything is in `shared.sql.migrations`."""

from ota_service.actions import models as _actions  # noqa: F401 - fills the metadata
from ota_service.batches import models as _batches  # noqa: F401 - fills the metadata
from ota_service.canaries import models as _canaries  # noqa: F401 - fills the metadata
from ota_service.ddi import models as _ddi  # noqa: F401 - fills the metadata
from ota_service.firmware import models as _firmware  # noqa: F401 - fills the metadata
from ota_service.fleet.models import Table
from ota_service.installations import models as _installations  # noqa: F401 - fills the metadata
from ota_service.manifests import models as _manifests  # noqa: F401 - fills the metadata
from ota_service.presence import models as _presence  # noqa: F401 - fills the metadata
from ota_service.releases import models as _releases  # noqa: F401 - fills the metadata
from ota_service.sessions import models as _sessions  # noqa: F401 - fills the metadata
from ota_service.settings import Settings
from ota_service.tenants import models as _tenants  # noqa: F401 - fills the metadata
from shared.http import idempotency
from shared.outbox.table import add_tables
from shared.sql import migrations, revocations

add_tables(Table.metadata)
idempotency.add_table(Table.metadata)
revocations.add_table(Table.metadata)
migrations.run(Settings(), Table.metadata)
