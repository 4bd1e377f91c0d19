"""Every query about presence: one document a device, with its unsent events inside it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import product

from monitoring.presence.models import Connection, Presence
from shared.mongo.bulk import Merge, insert_new, merge_all
from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors
from shared.mongo.lookup import by_ids, by_values
from shared.outbox.documents import OUTBOX_FIELD, create_outbox_index


class PresenceStore:
    def __init__(self, database: Database) -> None:
        self.collection = database["presence"]

    async def prepare(self) -> None:
        """Makes the indexes: by the current connection, by the end of signs of life, and of what is unsent.

        Raises StoreAway.
        """
        with store_errors():
            await self.collection.create_index("connection.name", name="connection")
            await self.collection.create_index("heard_until", name="heard", sparse=True)
        await create_outbox_index(self.collection)

    async def find_all(self, uids: Sequence[str]) -> list[Presence]:
        return [_presence(document) for document in await by_ids(self.collection, uids)]

    async def on_connections(self, names: Sequence[str]) -> list[Presence]:
        """The devices whose current connection has one of these names."""
        found = await by_values(self.collection, "connection.name", names)
        return [_presence(document) for document in found]

    async def connected(self) -> list[Presence]:
        """Those that hold a connection, as far as is known."""
        with store_errors():
            found = await self.collection.find({"online": True}).to_list(None)
        return [presence for presence in map(_presence, found) if presence.is_connected]

    async def silent(self, now: datetime, limit: int) -> list[Presence]:
        """Some of those whose last sign of life is good no more."""
        with store_errors():
            found = await self.collection.find({"heard_until": {"$lte": now}}).limit(limit).to_list(limit)
        return [_presence(document) for document in found]

    async def write(self, changed: Sequence[Presence], unsent: Mapping[str, Sequence[Document]]) -> bool:
        """Writes each presence over the revision it was read at, with its unsent events.

        False when one of them was changed meanwhile: that one is not written.
        """
        new = [presence for presence in changed if presence.revision == 0]
        taken = await insert_new(self.collection, [_document(one, unsent.get(one.device_uid)) for one in new])
        landed = len(new) - len(taken)
        known = [presence for presence in changed if presence.revision > 0]
        for heard, told in product((False, True), repeat=2):
            merges = [
                Merge(one.device_uid, one.revision, _members(one), unsent.get(one.device_uid, ()))
                for one in known
                if (one.heard_until is not None, bool(unsent.get(one.device_uid))) == (heard, told)
            ]
            landed += await merge_all(
                self.collection,
                merges,
                append_to=OUTBOX_FIELD if told else None,
                gone=() if heard else ("heard_until",),
            )
        return landed == len(changed)


def _document(presence: Presence, unsent: Sequence[Document] | None) -> Document:
    return {"_id": presence.device_uid, **_members(presence), **({OUTBOX_FIELD: list(unsent)} if unsent else {})}


def _members(presence: Presence) -> Document:
    """`heard_until` is not there rather than None: its index holds those alone who are online by signs of life."""
    heard = {} if presence.heard_until is None else {"heard_until": presence.heard_until}
    return {
        "organization_id": presence.organization_id,
        "online": presence.online,
        "since": presence.since,
        "version": presence.version,
        "connection": asdict(presence.connection),
        "revision": presence.revision + 1,
        "online_ms": presence.online_ms,
        "ended_at": presence.ended_at,
        **heard,
    }


def _presence(document: Document) -> Presence:
    return Presence(
        device_uid=document["_id"],
        online=document["online"],
        since=document["since"],
        version=document["version"],
        connection=Connection(**document["connection"]),
        organization_id=document["organization_id"],
        revision=document["revision"],
        heard_until=document.get("heard_until"),
        ended_at=document.get("ended_at"),
        online_ms=document.get("online_ms", 0),
    )
