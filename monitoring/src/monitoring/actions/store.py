"""Every query about actions and configurations: a document an action, and one a device for its configuration."""

from collections.abc import Iterable, Sequence

import msgspec

from monitoring.actions.models import Task
from shared.contracts.live import ActionItem, ConfigurationItem
from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors
from shared.mongo.lookup import SLICE, by_ids
from shared.mongo.newest import State, put_newest

_SHOWN = 1_000
"""Actions of so many devices that are shown at the most."""


class ActionStore:
    def __init__(self, database: Database) -> None:
        self._actions = database["actions"]
        self._configurations = database["configurations"]

    async def prepare(self) -> None:
        """Makes the indexes of actions: by device, and by when they ended. Raises StoreAway."""
        with store_errors():
            await self._actions.create_index("device_uid", name="device")
            await self._actions.create_index("newest.completed_at", name="completed")

    async def put_newer(self, tasks: Sequence[Task]) -> None:
        """Takes over each that is newer than the one kept. Raises StoreAway."""
        actions: list[State] = []
        configurations: list[State] = []
        for task in tasks:
            item, members = task.item, msgspec.to_builtins(task.item)
            if isinstance(item, ActionItem):
                fixed = {"device_uid": item.device_uid}
                actions.append(State(item.action_id, task.organization_id, members, fixed))
            else:
                configurations.append(State(item.device_uid, task.organization_id, members))
        await put_newest(self._actions, actions)
        await put_newest(self._configurations, configurations)

    async def find_all(self, items: Iterable[ActionItem | ConfigurationItem]) -> list[Task]:
        """The newest state of each of these, once."""
        known = list(items)
        action_ids = {item.action_id for item in known if isinstance(item, ActionItem)}
        uids = {item.device_uid for item in known if isinstance(item, ConfigurationItem)}
        actions = await by_ids(self._actions, list(action_ids))
        configurations = await by_ids(self._configurations, list(uids))
        return [
            *(Task(found["organization_id"], msgspec.convert(found["newest"], ActionItem)) for found in actions),
            *(
                Task(found["organization_id"], msgspec.convert(found["newest"], ConfigurationItem))
                for found in configurations
            ),
        ]

    async def actions(self, uids: Sequence[str], *, since: int) -> list[ActionItem]:
        """Those of these devices that are open or ended since then. Raises StoreAway.

        One whose deadline has passed before then is not open, whatever this copy has missed.
        """
        # One after the other, for SecantusDB uses no index for an `$or` and looks at every action kept. The open ones
        # first: one that ends meanwhile is found twice rather than not at all.
        either: tuple[Document, ...] = (
            {"newest.completed_at": None, "newest.deadline": {"$gte": since}},
            {"newest.completed_at": {"$gte": since}},
        )
        items: list[ActionItem] = []
        for start in range(0, len(uids), SLICE):
            asked = {"device_uid": {"$in": list(uids[start : start + SLICE])}}
            found: list[ActionItem] = []
            for state in either:
                with store_errors():
                    newest = self._actions.find({**asked, **state}).sort("newest.updated_at", -1).limit(_SHOWN)
                    found += [msgspec.convert(one["newest"], ActionItem) for one in await newest.to_list(_SHOWN)]
            items += sorted(found, key=lambda item: item.updated_at, reverse=True)[:_SHOWN]
        return items

    async def configurations(self, uids: Sequence[str]) -> list[ConfigurationItem]:
        found = await by_ids(self._configurations, uids)
        return [msgspec.convert(document["newest"], ConfigurationItem) for document in found]

    async def drop(self, *, completed_before: int) -> None:
        with store_errors():
            await self._actions.delete_many({"newest.completed_at": {"$lt": completed_before}})
