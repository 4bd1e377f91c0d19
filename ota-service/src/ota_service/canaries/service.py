"""Use cases of canaries. Those who ask hold the lock on the release that it is about."""

from collections.abc import Collection
from datetime import datetime, timedelta

from ota_service.canaries.models import ReleaseCanary
from ota_service.canaries.schemas import Criteria
from ota_service.canaries.states import CanaryVerdict
from ota_service.canaries.store import CanaryStore
from shared.contracts.canaries import CanaryJudged

ANSWERED_WITHIN = timedelta(minutes=10)
"""How long after the end of its window a canary is waited for."""

NO_ANSWER = "monitoring did not answer in time"
_MAX_DETAIL = 500


class CanaryService:
    def __init__(self, store: CanaryStore) -> None:
        self._store = store

    async def ask(
        self, organization_id: int, release_id: int, wave_id: int, criteria: Criteria, *, now: datetime
    ) -> ReleaseCanary:
        """The question about a wave whose devices are watched from now on; no other about it may stand."""
        ends_at = now + timedelta(seconds=criteria.window_s)
        return await self._store.add(
            ReleaseCanary(
                organization_id=organization_id,
                release_id=release_id,
                wave_id=wave_id,
                criteria=criteria.model_dump(),
                begins_at=now,
                ends_at=ends_at,
                deadline=ends_at + ANSWERED_WITHIN,
            )
        )

    async def standing(self, release_ids: Collection[int]) -> dict[int, ReleaseCanary]:
        """What was last asked of the waves of these releases, by the wave's id."""
        return {canary.wave_id: canary for canary in await self._store.standing(release_ids)}

    async def take(self, judged: CanaryJudged) -> None:
        """Takes over an answer. The same again, a late one, and one to no question of the organization's do nothing.

        A word that is none of the verdicts lets nothing go on.
        """
        known = judged.verdict in set(CanaryVerdict)
        await self._store.judge(
            judged.organization_id,
            judged.canary_id,
            CanaryVerdict(judged.verdict) if known else CanaryVerdict.INCONCLUSIVE,
            judged.detail[:_MAX_DETAIL],
            [figure.model_dump() for figure in judged.figures],
        )

    async def give_up(self, canary: ReleaseCanary) -> bool:
        """Ends one without an answer; false when the answer has come after all."""
        verdict = CanaryVerdict.INCONCLUSIVE
        return await self._store.judge(canary.organization_id, canary.id or 0, verdict, NO_ANSWER, [])

    async def waive(self, canaries: Collection[ReleaseCanary]) -> None:
        """Whatever they say, the release goes on."""
        await self._store.put([canary.id or 0 for canary in canaries], waived=True)

    async def ask_again(self, canaries: Collection[ReleaseCanary]) -> None:
        """They stand no more, so that their waves are watched once more."""
        await self._store.put([canary.id or 0 for canary in canaries], stands=False)
