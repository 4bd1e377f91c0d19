"""The timer of keys."""

from uuid import UUID

from device_management.keys.service import KeyService
from shared.http.scope import Scopes
from shared.tokens import KeyRing


class NoteUses:
    """Every minute: writes down when the keys that this process has verified were last used."""

    SECONDS = 60.0

    def __init__(self, scopes: Scopes, keys: KeyRing) -> None:
        self._scopes = scopes
        self._keys = keys

    async def __call__(self) -> None:
        used = {UUID(key_id): at for key_id, at in self._keys.take_uses().items()}
        if used:
            async with self._scopes() as scope:
                await scope.get(KeyService).note_used(used)
