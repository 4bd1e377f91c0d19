"""Use cases of accounting."""

from dataclasses import asdict
from datetime import date

from monitoring.accounting.errors import TooManyDays
from monitoring.accounting.schemas import AccountingAnswer, AccountRead, DeviceAccountRead
from monitoring.fleet.service import FleetService, uid_in
from monitoring.rollups.models import DAY, summed
from monitoring.rollups.service import RollupService
from monitoring.telemetry.errors import BadTimeRange
from shared.clock import Clock
from shared.http.pagination import page_of

_MOST = 100_000
_WEEK = 7


class AccountingService:
    def __init__(self, fleet: FleetService, rollups: RollupService, *, clock: Clock) -> None:
        self._fleet = fleet
        self._rollups = rollups
        self._clock = clock

    async def accounts(
        self,
        organization_id: int,
        *,
        uid: str | None,
        first: date | None,
        last: date | None,
        cursor: str | None,
        limit: int,
    ) -> AccountingAnswer:
        """Of the devices that sent anything on these days, by uid; by default the last seven.

        Raises DeviceNotFound, BadTimeRange, TooManyDays, BadCursor.
        """
        last = last or self._clock.now().date()
        first = first or date.fromordinal(max(last.toordinal() - _WEEK + 1, 1))
        if first > last:
            raise BadTimeRange
        after = uid_in(cursor)
        number = (last - first).days + 1
        if number > _MOST:
            raise TooManyDays(_MOST)
        uids = await self._uids(organization_id, uid, most=_MOST // number)
        found = await self._rollups.accounts(uids, [first + count * DAY for count in range(number)])
        rest = [one for one in sorted(found) if one > after]
        items, following = page_of(rest[: limit + 1], limit, lambda one: (one,))
        return AccountingAnswer(
            **{"from": first, "to": last},
            total=AccountRead(**asdict(summed(found.values()))),
            items=[DeviceAccountRead(device_uid=one, **asdict(found[one])) for one in items],
            next=following,
        )

    async def _uids(self, organization_id: int, uid: str | None, *, most: int) -> list[str]:
        if uid is not None:
            return [(await self._fleet.get(organization_id, uid)).uid]
        uids: list[str] = []
        async for page in self._fleet.pages(organization_id):
            uids += page
            if len(uids) > most:
                raise TooManyDays(_MOST)
        return uids
