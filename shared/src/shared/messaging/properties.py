"""Reading what strangers write into a message's properties.

Devices write AMQP properties themselves and the broker hands them on unread. pamqp raises on text that is not UTF-8, on
times past the year 9999 and on tables nested too deep, and that ends the connection; the broker would deliver the same
message again at once. Here such properties count as absent, and the message's body speaks for itself.
"""

import struct
from collections.abc import Mapping
from typing import Any

from pamqp.header import ContentHeader

UNREADABLE_HEADER = "x-muster-unreadable-properties"
_BROKERS_OWN = ("x-death", "x-delivery-count", "x-acquired-count", "x-first-death-", "x-last-death-")

_unmarshal = ContentHeader.unmarshal


def _read(self: ContentHeader, data: bytes) -> None:
    try:
        _unmarshal(self, data)
    except Exception:  # noqa: BLE001 - whatever a stranger wrote, it must not end the connection
        self.class_id, self.weight, self.body_size = struct.unpack(">HHQ", data[:12])
        self.properties = type(self.properties)(headers={UNREADABLE_HEADER: True})


def survive_strangers() -> None:
    """Makes every AMQP connection of this process read properties so. Doing it again changes nothing."""
    ContentHeader.unmarshal = _read


def sent_on(headers: Mapping[str, Any]) -> dict[str, str | int | bool]:
    """Those headers that a message keeps when it is sent on, whoever wrote them: text, truth and whole numbers.

    What the broker keeps of a message's way is of that message, and begins anew.
    """
    return {
        name: value
        for name, value in headers.items()
        if not name.startswith(_BROKERS_OWN)
        and (isinstance(value, str) or (isinstance(value, int) and -(2**63) <= value < 2**63))
    }
