"""Reading as many documents as fit into memory."""

from collections.abc import Callable

from motor.core import AgnosticBaseCursor

from shared.mongo.client import Document
from shared.mongo.errors import store_errors


async def fitting(
    cursor: AgnosticBaseCursor[Document], room: int, size: Callable[[Document], int]
) -> tuple[list[Document], bool]:
    """The first documents until their sizes exceed `room`, at least one; and whether the reading ended there.

    Raises StoreAway.
    """
    found: list[Document] = []
    with store_errors():
        async for document in cursor:
            found.append(document)
            room -= size(document)
            if room < 0:
                break
        await cursor.close()
    return found, room < 0
