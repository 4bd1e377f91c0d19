"""Every query about alerts: one document from a condition's first moment to the end of its alert.

`key`, which names the rule and the device, is held by at most one document: that there is one open alert for both at
the most is the index's doing. Whatever changes a document does so over the revision that it has read, in one update
with the events that tell of it, so that neither two workers nor a crash can do half of it or do it twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from pymongo import DeleteOne, UpdateOne

from monitoring.alert_rules.states import Kind, Severity
from monitoring.alerts.models import Alert, Comment, Known, Mark
from monitoring.alerts.states import ClearReason, Phase, State
from shared.ids import Ids
from shared.mongo.bulk import write_all
from shared.mongo.changes import TOUCH, changed_since, database_now
from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors
from shared.mongo.lookup import SLICE, by_ids, by_values
from shared.outbox.documents import OUTBOX_FIELD, create_outbox_index

_AT_ONCE = datetime.fromtimestamp(0, UTC)

_MEMBERS = tuple(member.name for member in fields(Alert) if member.name != "alert_id")


class AlertStore:
    def __init__(self, database: Database, *, ids: Ids) -> None:
        self._database = database
        self._ids = ids
        self.collection = database["alerts"]

    async def prepare(self) -> None:
        """Makes the indexes. Raises StoreAway."""
        newest = [("opened_at", -1), ("_id", -1)]
        with store_errors():
            await self.collection.create_index("key", unique=True, sparse=True, name="key")
            await self.collection.create_index("due_at", sparse=True, name="due")
            await self.collection.create_index("touched", name="touched")
            await self.collection.create_index([("organization_id", 1), ("state", 1), *newest], name="organization")
            await self.collection.create_index([("device_uid", 1), *newest], name="device")
            await self.collection.create_index([("rule_id", 1), *newest], name="rule")
        await create_outbox_index(self.collection)

    async def now(self) -> datetime:
        """The database's clock. Raises StoreAway."""
        return await database_now(self._database)

    async def mark(self, marks: Sequence[Mark]) -> None:
        """Makes each of them due at once; what nobody watched yet is watched from now on. Raises StoreAway.

        Of two that begin to watch the same the later meets the key, and tries again on what is there then.
        """
        updates = [self._mark(mark) for mark in {mark.key: mark for mark in marks}.values()]
        while updates:
            written = await write_all(self.collection, updates)
            updates = [updates[index] for index in written.refused]

    async def mark_known(self, keys: Sequence[str]) -> None:
        """Makes those of them due that are watched; the others are not. Raises StoreAway."""
        for start in range(0, len(keys), SLICE):
            await self._make_due({"key": {"$in": list(keys[start : start + SLICE])}})

    async def mark_rule(self, rule_id: str) -> None:
        """Makes everything due that is watched for the rule. Raises StoreAway."""
        await self._make_due({"rule_id": rule_id, "key": {"$exists": True}})

    async def due(self, now: datetime, *, limit: int) -> list[Alert]:
        """What must be looked at, the longest waiting first."""
        with store_errors():
            cursor = self.collection.find({"due_at": {"$lte": now}}).sort("due_at", 1).limit(limit)
            return [_alert(document) for document in await cursor.to_list(limit)]

    async def write(self, changed: Sequence[Alert], unsent: Mapping[str, Sequence[Document]]) -> None:
        """Writes each over its revision, with its unsent events by id; what somebody else has changed stays as it is.

        One without state that has ended and is not due is removed. Raises StoreAway.
        """
        writes = [_change(alert, unsent.get(alert.alert_id, ())) for alert in changed]
        await write_all(self.collection, writes)

    async def update(self, alert: Alert, unsent: Sequence[Document]) -> bool:
        """As `write`, of one; False when somebody else has changed it."""
        return (await write_all(self.collection, [_change(alert, unsent)])).landed == 1

    async def find(self, organization_id: int, alert_id: str) -> Alert | None:
        """One that never opened is not found."""
        query: Document = {"_id": alert_id, "organization_id": organization_id, "state": {"$in": list(State)}}
        with store_errors():
            document = await self.collection.find_one(query)
        return None if document is None else _alert(document)

    async def find_all(self, alert_ids: Sequence[str]) -> list[Alert]:
        return [_alert(document) for document in await by_ids(self.collection, alert_ids)]

    async def page(
        self, organization_id: int, wanted: Mapping[str, Any], *, after: tuple[datetime, str] | None, limit: int
    ) -> list[Alert]:
        """Newest first, beginning behind `after`; `wanted` are conditions on members."""
        query: Document = {"state": {"$in": list(State)}, **wanted, "organization_id": organization_id}
        if after is not None:
            at, alert_id = after
            query["$or"] = [{"opened_at": {"$lt": at}}, {"opened_at": at, "_id": {"$lt": alert_id}}]
        with store_errors():
            cursor = self.collection.find(query).sort([("opened_at", -1), ("_id", -1)]).limit(limit)
            return [_alert(document) for document in await cursor.to_list(limit)]

    async def recent(self, uids: Sequence[str], *, cleared_since: datetime) -> list[Alert]:
        """The devices' open alerts and those cleared since then."""
        either: list[Document] = [
            {"state": State.ACTIVE},
            {"state": State.CLEARED, "cleared_at": {"$gte": cleared_since}},
        ]
        # One after the other, for SecantusDB uses no index for an `$or` and looks at every alert there has been. The
        # open ones first: one that clears meanwhile is found twice rather than not at all.
        found = [one for also in either for one in await by_values(self.collection, "device_uid", uids, also=also)]
        return [_alert(document) for document in found]

    async def opened_between(
        self, organization_id: int, uids: Sequence[str], start: datetime, end: datetime
    ) -> list[tuple[str, str]]:
        """The uids and ids of the alerts that opened from `start` to before `end`."""
        wanted = {"organization_id": organization_id, "opened_at": {"$gte": start, "$lt": end}}
        found = await by_values(self.collection, "device_uid", uids, also=wanted, fields=["device_uid"])
        return [(document["device_uid"], document["_id"]) for document in found]

    async def changed(self, since: datetime | None) -> tuple[list[Known], datetime]:
        """What was written since that moment, and some before, in order; without one what is watched at all.

        With the moment to go on.
        """
        found, now = await changed_since(
            self.collection,
            since,
            whole={"key": {"$exists": True}},
            fields=["rule_id", "device_uid", "phase", "touched"],
        )
        return [
            Known(one["_id"], Mark(0, one["rule_id"], one["device_uid"]).key, Phase(one["phase"])) for one in found
        ], now

    async def _make_due(self, query: Document) -> None:
        change: Document = {
            "$set": {"due_at": _AT_ONCE},
            "$inc": {"revision": 1},
            **TOUCH,
        }
        with store_errors():
            await self.collection.update_many(query, change)

    def _mark(self, mark: Mark) -> UpdateOne:
        fresh = Alert(
            alert_id=self._ids.new().hex,
            organization_id=mark.organization_id,
            rule_id=mark.rule_id,
            device_uid=mark.device_uid,
            phase=Phase.WATCHED,
            revision=0,
            due_at=None,
        )
        begun = {"_id": fresh.alert_id, **_members(fresh)}
        for name in ("due_at", "revision"):
            begun.pop(name, None)
        return UpdateOne(
            {"key": mark.key},
            {
                "$set": {"due_at": _AT_ONCE},
                "$inc": {"revision": 1},
                **TOUCH,
                "$setOnInsert": begun,
            },
            upsert=True,
        )


def _change(alert: Alert, unsent: Sequence[Document]) -> UpdateOne | DeleteOne:
    mine = {"_id": alert.alert_id, "revision": alert.revision}
    ended = alert.phase is Phase.ENDED
    if ended and alert.state is None and alert.due_at is None:
        return DeleteOne(mine)
    change: Document = {
        "$set": {**_members(alert), "revision": alert.revision + 1},
        **TOUCH,
    }
    gone = {"key": ""} if ended else {}
    if alert.due_at is None:
        gone["due_at"] = ""
    if gone:
        change["$unset"] = gone
    if unsent:
        change["$push"] = {OUTBOX_FIELD: {"$each": list(unsent)}}
    return UpdateOne(mine, change)


def _members(alert: Alert) -> Document:
    """Without `due_at` when there is no deadline; `key` belongs to one that is not there any more for good."""
    members: Document = {name: getattr(alert, name) for name in _MEMBERS}
    members["comments"] = [asdict(comment) for comment in alert.comments]
    if alert.due_at is None:
        del members["due_at"]
    return members


def _alert(document: Document) -> Alert:
    members: dict[str, Any] = {name: document[name] for name in _MEMBERS if name in document}
    members["phase"] = Phase(members["phase"])
    members["severity"] = Severity(members["severity"])
    members["kind"] = Kind(members["kind"])
    members["due_at"] = document.get("due_at")
    if members["state"] is not None:
        members["state"] = State(members["state"])
    if members["clear_reason"] is not None:
        members["clear_reason"] = ClearReason(members["clear_reason"])
    members["comments"] = tuple(Comment(**comment) for comment in members["comments"])
    return Alert(alert_id=document["_id"], **members)
