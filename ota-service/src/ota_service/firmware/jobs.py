"""What has to be done for firmware now and then."""

import structlog

from ota_service.firmware.service import FirmwareService
from shared.http.scope import Scopes

_log = structlog.get_logger(__name__)


class SweepFirmware:
    """Removes files that no firmware names. Several workers may do it at once."""

    SECONDS = 3600.0

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        async with self._scopes() as scope:
            if removed := await scope.get(FirmwareService).sweep():
                _log.info("files of unfinished uploads are removed", files=removed)
