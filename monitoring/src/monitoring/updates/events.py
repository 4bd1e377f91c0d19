"""From an update to the live item about it, pure."""

from monitoring.updates.models import Update
from shared.contracts.live import UpdateItem


def item_of(update: Update) -> UpdateItem:
    return UpdateItem(
        device_uid=update.device_uid,
        session_id=update.session_id,
        counter=update.counter,
        version=update.version,
        state=update.state,
        progress=update.progress,
        firmware_name=update.firmware_name,
        firmware_version=update.firmware_version,
        error=update.error,
        updated_at=int(update.updated_at.timestamp() * 1000),
        batch_id=update.batch_id,
        release=update.release,
        wave=update.wave,
    )
