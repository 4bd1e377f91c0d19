"""Every query about alert rules: one document a rule."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from monitoring.alert_rules.models import Condition, Rule
from monitoring.alert_rules.states import Kind, Severity
from monitoring.fleet.models import Scope
from shared.mongo.changes import OVERLAP, TOUCH, changed_since, database_now
from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors
from shared.mongo.lookup import by_ids

_REMEMBERED_S = 30 * 86_400


class RuleStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._rules = database["alert_rules"]

    async def prepare(self) -> None:
        """Makes the indexes: an organization's rules, what changed lately, what is due. Raises StoreAway."""
        with store_errors():
            await self._rules.create_index([("organization_id", 1), ("created_at", 1), ("_id", 1)], name="organization")
            await self._rules.create_index("touched", name="touched")
            await self._rules.create_index("sweep_at", sparse=True, name="sweep")
            await self._rules.create_index("deleted_at", expireAfterSeconds=_REMEMBERED_S, name="expiry")

    async def now(self) -> datetime:
        """The database's clock. Raises StoreAway."""
        return await database_now(self._database)

    async def insert(self, rule: Rule) -> bool:
        """False when there is one of that id. It is due to be swept at once, and once more when all have heard."""
        document = {"_id": rule.rule_id, **_members(rule), "sweeps": 2, "sweep_at": rule.created_at}
        try:
            with store_errors():
                await self._rules.insert_one({**document, "touched": await self.now()})
        except DuplicateKeyError:
            return False
        return True

    async def replace(self, rule: Rule, *, version: int) -> bool:
        """Writes the rule over the one of that version; False when that is not there any more."""
        members = {**_members(rule), "sweeps": 2, "sweep_at": rule.updated_at}
        if rule.deleted:
            members["deleted_at"] = rule.updated_at
        with store_errors():
            result = await self._rules.update_one({"_id": rule.rule_id, "version": version}, {"$set": members, **TOUCH})
        return result.matched_count == 1

    async def find(self, organization_id: int, rule_id: str) -> Rule | None:
        """A deleted one is not found."""
        query = {"_id": rule_id, "organization_id": organization_id, "deleted": False}
        with store_errors():
            document = await self._rules.find_one(query)
        return None if document is None else _rule(document)

    async def find_all(self, rule_ids: Sequence[str]) -> list[Rule]:
        """Deleted ones too."""
        return [_rule(document) for document in await by_ids(self._rules, rule_ids)]

    async def count(self, organization_id: int) -> int:
        with store_errors():
            return await self._rules.count_documents({"organization_id": organization_id, "deleted": False})

    async def page(self, organization_id: int, *, after: tuple[datetime, str] | None, limit: int) -> list[Rule]:
        """Oldest first, beginning behind `after`."""
        query: Document = {"organization_id": organization_id, "deleted": False}
        if after is not None:
            at, rule_id = after
            query["$or"] = [{"created_at": {"$gt": at}}, {"created_at": at, "_id": {"$gt": rule_id}}]
        with store_errors():
            cursor = self._rules.find(query).sort([("created_at", 1), ("_id", 1)]).limit(limit)
            return [_rule(document) for document in await cursor.to_list(limit)]

    async def changed(self, since: datetime | None) -> tuple[list[Rule], datetime]:
        """The rules written since that moment, and some before; all of them without one. With the moment to go on."""
        found, now = await changed_since(self._rules, since, whole={"deleted": False})
        return [_rule(document) for document in found], now

    async def to_sweep(self) -> list[Rule]:
        """The rules whose devices are to be looked at now, by the database's clock."""
        query = {"sweep_at": {"$lte": await self.now()}}
        with store_errors():
            return [_rule(document) for document in await self._rules.find(query).limit(20).to_list(20)]

    async def swept(self, rule: Rule) -> None:
        """Notes that it was done; a rule that has changed meanwhile stays due."""
        now = await self.now()
        version: Document = {"_id": rule.rule_id, "version": rule.version}
        with store_errors():
            await self._rules.update_one({**version, "sweeps": {"$lte": 1}}, {"$unset": {"sweep_at": "", "sweeps": ""}})
            await self._rules.update_one(
                {**version, "sweeps": {"$gt": 1}}, {"$set": {"sweeps": 1, "sweep_at": now + 2 * OVERLAP}}
            )


def _members(rule: Rule) -> Document:
    scope = rule.scope
    members: dict[str, Any] = asdict(rule)
    del members["rule_id"]
    members["wait"] = rule.wait.total_seconds()
    members["scope"] = {
        "device_uids": None if scope.device_uids is None else sorted(scope.device_uids),
        "group_id": scope.group_id,
        "rql": scope.rql,
    }
    return members


def _condition(document: Document) -> Condition:
    limits: dict[str, Any] = {name: value for name, value in document.items() if name != "kind"}
    return Condition(kind=Kind(document["kind"]), **limits)


def _rule(document: Document) -> Rule:
    uids = document["scope"]["device_uids"]
    return Rule(
        rule_id=document["_id"],
        organization_id=document["organization_id"],
        name=document["name"],
        severity=Severity(document["severity"]),
        condition=_condition(document["condition"]),
        wait=timedelta(seconds=document["wait"]),
        scope=Scope(
            device_uids=None if uids is None else frozenset(uids),
            group_id=document["scope"]["group_id"],
            rql=document["scope"]["rql"],
        ),
        enabled=document["enabled"],
        silenced_until=document["silenced_until"],
        deleted=document["deleted"],
        version=document["version"],
        created_by=document["created_by"],
        created_at=document["created_at"],
        updated_at=document["updated_at"],
        fingerprint=document["fingerprint"],
    )
