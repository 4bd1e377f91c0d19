"""Every query about people and their sign-ins."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Integer, any_, cast, delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.auth.models import RefreshToken, SignIn, User


class AuthStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def let_go(self) -> None:
        """Gives the connection back until the next query: for who has only read so far, and now has slow work."""
        await self._session.commit()

    async def find_user(self, user_id: int) -> User | None:
        return await self._session.get(User, user_id)

    async def find_user_to_stay(self, user_id: int, *, alone: bool = False) -> User | None:
        """As the person is now and stays until the transaction ends; but for `alone` any number may hold them so."""
        query = select(User).where(User.id == user_id).with_for_update(read=not alone, key_share=alone)
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def find_user_by_email(self, email: str) -> User | None:
        return (await self._session.scalars(select(User).where(User.email == email))).one_or_none()

    async def has_users(self) -> bool:
        return bool(await self._session.scalar(select(select(User.id).exists())))

    async def add_user_unless_known(self, user: User) -> None:
        values = user.model_dump(exclude={"id"})
        await self._session.execute(insert(User).values(values).on_conflict_do_nothing(index_elements=["email"]))

    def add_sign_in(self, sign_in: SignIn) -> None:
        self._session.add(sign_in)

    async def add_refresh_token(self, token: RefreshToken) -> None:
        await self._session.flush()  # its sign-in first: the two have no ORM relationship
        self._session.add(token)

    async def find_refresh_token(self, digest: bytes) -> tuple[RefreshToken, SignIn, User] | None:
        """The token with its sign-in and person, whatever its state."""
        query = (
            select(RefreshToken, SignIn, User)
            .join(SignIn, col(SignIn.id) == col(RefreshToken.sign_in_id))
            .join(User, col(User.id) == col(SignIn.user_id))
            .where(RefreshToken.digest == digest)
        )
        row = (await self._session.execute(query)).one_or_none()
        return None if row is None else (row[0], row[1], row[2])

    async def use_refresh_token(self, digest: bytes) -> bool:
        """Marks it used, if it is unused, unexpired and its sign-in goes on. Of two at once, one gets True."""
        query = (
            update(RefreshToken)
            .where(
                col(RefreshToken.digest) == digest,
                col(RefreshToken.used_at).is_(None),
                col(RefreshToken.expires_at) > func.now(),
                select(SignIn.id).where(SignIn.id == RefreshToken.sign_in_id, col(SignIn.ended_at).is_(None)).exists(),
            )
            .values(used_at=func.now())
            .returning(col(RefreshToken.digest))
        )
        return (await self._session.execute(query)).first() is not None

    async def was_used_within(self, digest: bytes, grace: timedelta) -> bool:
        """Whether it was used, no longer ago than that, by the database's clock."""
        query = select(col(RefreshToken.used_at) > func.clock_timestamp() - grace)
        return bool(await self._session.scalar(query.where(RefreshToken.digest == digest)))

    async def end_sign_in(self, sign_in_id: UUID, reason: str) -> bool:
        """Whether it had not ended before."""
        return bool(await self._end(col(SignIn.id) == sign_in_id, reason))

    async def end_sign_ins(self, user_id: int, reason: str) -> None:
        await self._end(col(SignIn.user_id) == user_id, reason)

    async def raise_generations(self, organization_id: int, user_ids: Sequence[int]) -> Sequence[User]:
        """Writes what has changed of these people, with the next generation of tokens and the next version of each."""
        await self._session.flush()
        query = (
            update(User)
            .where(col(User.organization_id) == organization_id, col(User.id) == any_(cast(user_ids, ARRAY(Integer))))
            .values(
                token_generation=User.token_generation + 1, version=User.version + 1, updated_at=func.clock_timestamp()
            )
            .returning(User)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).all()

    async def _end(self, which: ColumnElement[bool], reason: str) -> int:
        query = update(SignIn).where(which, col(SignIn.ended_at).is_(None)).returning(col(SignIn.id))
        ended = await self._session.execute(query.values(ended_at=func.now(), ended_because=reason))
        return len(ended.all())

    async def forget_expired(self, before: datetime) -> None:
        """Deletes sign-ins all of whose refresh tokens expired before then."""
        alive = select(RefreshToken.sign_in_id).where(RefreshToken.expires_at >= before)
        await self._session.execute(delete(SignIn).where(col(SignIn.created_at) < before, col(SignIn.id).not_in(alive)))
