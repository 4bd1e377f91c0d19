"""From an update to the live item about it, pure."""

from monitoring.updates.models import Update
from shared.contracts.live import UpdateItem, live_item


def item_of(update: Update) -> UpdateItem:
    return live_item(UpdateItem, update)
