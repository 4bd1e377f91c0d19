"""Every query about the copy of organizations: one document each."""

from collections.abc import Sequence

from pymongo import UpdateOne

from monitoring.organizations.models import Organization
from shared.mongo.bulk import put_all
from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors


class OrganizationStore:
    def __init__(self, database: Database) -> None:
        self._organizations = database["organizations"]

    async def put_newer(self, organizations: Sequence[Organization]) -> None:
        """Takes over what is newer, in one bulk write; ids must differ.

        `$max` compares the version first, so doing it twice, late or in two workers at once changes nothing.
        Raises StoreAway.
        """
        writes = [
            UpdateOne({"_id": one.organization_id}, {"$max": {"newest": _newest(one)}}, upsert=True)
            for one in organizations
        ]
        await put_all(self._organizations, writes)

    async def retention_classes(self) -> dict[int, str]:
        """The class of each organization that is known. Raises StoreAway."""
        with store_errors():
            found = await self._organizations.find({}, {"newest.telemetry_retention": 1}).to_list(None)
        return {one["_id"]: one["newest"]["telemetry_retention"] for one in found}


def _newest(one: Organization) -> Document:
    return {"version": one.version, "telemetry_retention": one.telemetry_retention}
