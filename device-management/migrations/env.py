"""Alembic's entry: everything is in `shared.sql.migrations`."""

from device_management.actions import models as _actions  # noqa: F401 - fills the metadata
from device_management.audit import models as _audit  # noqa: F401 - fills the metadata
from device_management.auth import models as _auth  # noqa: F401 - fills the metadata
from device_management.configuration import models as _configuration  # noqa: F401 - fills the metadata
from device_management.device_status import models as _device_status  # noqa: F401 - fills the metadata
from device_management.device_tokens import models as _device_tokens  # noqa: F401 - fills the metadata
from device_management.devices import models as _devices  # noqa: F401 - fills the metadata
from device_management.groups import models as _groups  # noqa: F401 - fills the metadata
from device_management.imports import models as _imports  # noqa: F401 - fills the metadata
from device_management.keys import models as _keys  # noqa: F401 - fills the metadata
from device_management.mass_configuration import models as _jobs  # noqa: F401 - fills the metadata
from device_management.organizations import models as _organizations  # noqa: F401 - fills the metadata
from device_management.resync import models as _resync  # noqa: F401 - fills the metadata
from device_management.settings import Settings
from device_management.sites import models as _sites  # noqa: F401 - fills the metadata
from device_management.tables import Table
from device_management.webhooks import models as _webhooks  # noqa: F401 - fills the metadata
from shared.http import idempotency
from shared.outbox.table import add_tables
from shared.sql import migrations, revocations

add_tables(Table.metadata)
idempotency.add_table(Table.metadata)
revocations.add_table(Table.metadata)
migrations.run(Settings(), Table.metadata)
