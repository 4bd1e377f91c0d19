"""What configuration hears: what devices say of themselves on `devices.<uid>.state`."""

from collections.abc import Sequence

from device_management.configuration.schemas import Reported
from device_management.configuration.service import ConfigurationService
from shared.clock import Clock
from shared.contracts.reports import decode
from shared.contracts.routes import uid_from_key
from shared.http.scope import Scopes
from shared.messaging.deliveries import Delivery, Rejected


class ReportConsumer:
    def __init__(self, scopes: Scopes, *, clock: Clock) -> None:
        self._scopes = scopes
        self._clock = clock

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Rejected]:
        """The uid is the routing key's. A report taken in again changes nothing."""
        reports: list[Reported] = []
        rejected: list[Rejected] = []
        now = self._clock.now()
        for index, delivery in enumerate(deliveries):
            try:
                uid, report = uid_from_key(delivery.routing_key), decode(delivery.body)
            except ValueError as error:
                rejected.append(Rejected(index, str(error)))
                continue
            if uid is not None and report.configuration is not None:
                reports.append(Reported(uid, report.configuration, now))
        if reports:
            async with self._scopes() as scope:
                await scope.get(ConfigurationService).hear(reports)
        return rejected
