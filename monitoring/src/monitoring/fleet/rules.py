"""Which devices a scope or a query means. Pure."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from monitoring.fleet.models import NOBODY, Device, Group, Scope
from shared.contracts.devices import PURGED
from shared.rql.fields import Fields, Kind, check
from shared.rql.parser import parse
from shared.rql.predicate import matches
from shared.rql.syntax import Query

SEARCHED: Fields = {
    "id": Kind.NUMBER,
    "device_uid": Kind.TEXT,
    "name": Kind.TEXT,
    "device_type": Kind.TEXT,
    "serial_number": Kind.TEXT,
    "hardware_version": Kind.TEXT,
    "firmware_version": Kind.TEXT,
    "reported_firmware_version": Kind.TEXT,
    "reported_attributes": Kind.DOCUMENT,
    "lifecycle": Kind.TEXT,
    "updates_enabled": Kind.BOOLEAN,
    "tags": Kind.TEXTS,
    "site_id": Kind.NUMBER,
    "attributes": Kind.DOCUMENT,
    "version": Kind.NUMBER,
    "registered_at": Kind.TIME,
    "updated_at": Kind.TIME,
}
"""What RQL may ask of a device here: device-management's names, without the status and the time of the last report,
which are not in the copy.
"""

_OTHER_NAMES = {"id": "device_id", "device_uid": "uid"}


@lru_cache(maxsize=1_000)
def query_of(rql: str) -> Query:
    """Raises BadQuery."""
    query = parse(rql)
    check(query, SEARCHED)
    return query


def meant(scope: Scope, group: Group | None) -> Scope:
    """The scope with its group, of that id or gone, in its place: a query group's is what its query finds.

    A group that is gone has no members.
    """
    if scope.group_id is None:
        return scope
    if group is None or group.deleted:
        return NOBODY
    return scope if group.rql is None else Scope(rql=group.rql)


def is_within(device: Device, scope: Scope) -> bool:
    """Whether the scope means this device of the organization; of a scope by group, as a fixed one.

    A purged device is within none. Raises BadQuery.
    """
    if device.lifecycle == PURGED:
        return False
    if scope.device_uids is not None:
        return device.uid in scope.device_uids
    if scope.group_id is not None:
        return scope.group_id in device.group_ids
    return scope.rql is None or matches(query_of(scope.rql), _searchable(device))


def _searchable(device: Device) -> Mapping[str, Any]:
    values: dict[str, Any] = {name: getattr(device, _OTHER_NAMES.get(name, name)) for name in SEARCHED}
    return values | {"tags": list(device.tags)}
