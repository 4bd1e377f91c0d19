"""`Idempotency-Key` on a POST that creates: the first answer is stored with its effect and given again.

Source: the IETF draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header). A key
belongs to one caller, is remembered for a day, and refuses another body.
"""

from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Header, Request
from fastapi.security.http import HTTPAuthorizationCredentials
from pydantic import BaseModel
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from shared.errors import DomainError
from shared.http.declared import raises
from shared.http.principal import authenticate, bearer
from shared.http.scope import Scope, request_scope
from shared.sql.unit_of_work import UnitOfWork
from shared.tokens import Audience

REMEMBERED = timedelta(days=1)

_table = Table(
    "idempotency_keys",
    MetaData(),
    Column("organization_id", BigInteger, primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("status", SmallInteger),
    Column("answer", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
)

M = TypeVar("M", bound=BaseModel)


class IdempotencyKeyReused(DomainError):
    """The key was used before for another request."""

    status = 409
    code = "idempotency_key_reused"


class _Replay(Exception):
    """Leaves the request with the answer given before."""

    def __init__(self, status: int, answer: str) -> None:
        self.status = status
        self.answer = answer


class Once:
    """The effect of this request happens once for its key; without a key it happens each time."""

    def __init__(
        self, session: AsyncSession | None = None, identity: dict[str, Any] | None = None, *, status: int = 200
    ) -> None:
        self._session = session
        self._identity = identity or {}
        self._status = status

    async def keep(self, answer: M, *, status: int | None = None) -> M:
        """Stores `answer` with the effect, and returns it. `status` is the route's, unless this answer has another."""
        if self._session is not None:
            await self.keep_json(answer.model_dump_json(), status=status)
        return answer

    async def keep_json(self, answer: str, *, status: int | None = None) -> None:
        """As `keep`, of an answer that is JSON already."""
        if self._session is not None:
            where = [_table.c[name] == value for name, value in self._identity.items()]
            values = {"status": status or self._status, "answer": answer}
            await self._session.execute(update(_table).where(*where).values(values))


@raises(IdempotencyKeyReused)
async def once(
    request: Request,
    scope: Annotated[Scope, Depends(request_scope, scope="function")],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    key: Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)] = None,
) -> Once:
    """A dependency for POST handlers. Raises IdempotencyKeyReused; a known key leaves at once with the first answer."""
    if key is None:
        return Once()
    principal = authenticate(request.app.state.keys, credentials.credentials if credentials else None, *Audience)
    identity = {"organization_id": principal.organization_id, "subject": principal.subject, "key": key}
    body = await request.body()
    fingerprint = sha256(f"{request.method} {request.url.path}\n".encode() + body).hexdigest()
    session = scope.get(UnitOfWork).session
    first = await session.execute(
        insert(_table).values(**identity, fingerprint=fingerprint).on_conflict_do_nothing().returning(_table.c.key)
    )
    if first.first() is not None:
        return Once(session, identity, status=request.scope["route"].status_code or 200)
    where = [_table.c[name] == value for name, value in identity.items()]
    before = (await session.execute(select(_table).where(*where))).one()
    if before.fingerprint != fingerprint:
        raise IdempotencyKeyReused("this Idempotency-Key was used with another request; take a new one")
    raise _Replay(before.status, before.answer)


async def forget_old_keys(session: AsyncSession) -> None:
    """Deletes the keys older than a day, by the database's clock."""
    await session.execute(delete(_table).where(_table.c.created_at < func.now() - REMEMBERED))


def add_table(metadata: MetaData) -> None:
    _table.to_metadata(metadata)


def install(app: FastAPI) -> None:
    app.add_exception_handler(_Replay, _answer_again)


def _answer_again(_request: Request, replay: Exception) -> Response:
    assert isinstance(replay, _Replay)  # noqa: S101 - registered for this class alone
    headers = {"Idempotent-Replayed": "true"}
    return Response(replay.answer, replay.status, headers, "application/json")
