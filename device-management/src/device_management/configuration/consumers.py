"""What devices say of themselves on `devices.<uid>.state`: their configuration, and what device_status keeps."""

from collections.abc import Sequence

from device_management.configuration.schemas import Reported
from device_management.configuration.service import ConfigurationService
from device_management.device_status.service import DeviceStatusService
from device_management.devices.schemas import storable_json
from shared.clock import Clock
from shared.contracts.reports import DeviceReport, decode
from shared.contracts.routes import uid_from_key
from shared.http.scope import Scopes
from shared.messaging.deliveries import Delivery, Rejected


class ReportConsumer:
    def __init__(self, scopes: Scopes, *, clock: Clock) -> None:
        self._scopes = scopes
        self._clock = clock

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Rejected]:
        """The uid is the routing key's. A report taken in again changes nothing but when the device last reported.

        In two units of work: who changes a configuration holds it before its device, so one would wait in a circle.
        """
        reports: list[tuple[str, DeviceReport]] = []
        rejected: list[Rejected] = []
        now = self._clock.now()
        for index, delivery in enumerate(deliveries):
            try:
                uid, report = uid_from_key(delivery.routing_key), _sound(decode(delivery.body))
            except ValueError as error:
                rejected.append(Rejected(index, str(error)))
                continue
            if uid is not None:
                reports.append((uid, report))
        configured = [
            Reported(uid, report.configuration, now) for uid, report in reports if report.configuration is not None
        ]
        if configured:
            async with self._scopes() as scope:
                await scope.get(ConfigurationService).hear(configured)
        others = [(uid, report) for uid, report in reports if report.firmware_version or report.attributes is not None]
        if others:
            async with self._scopes() as scope:
                await scope.get(DeviceStatusService).take_reports(others)
        return rejected


def _sound(report: DeviceReport) -> DeviceReport:
    """Attributes within the limits of those that people set. Raises ValueError."""
    if report.attributes is not None:
        storable_json(report.attributes)
    return report
