"""`Idempotency-Key` on a POST that creates: the first answer is stored with its effect and given again.

Source: the IETF draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header). A key
belongs to one caller, is remembered for a day, and refuses another request. Requests hold passwords and answers hold
tokens: a service that has such gives `Answers` a sealer, and neither can be read or guessed from the table.
"""

from collections.abc import Mapping
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
from shared.http.principal import Principal, authenticate, bearer
from shared.http.scope import Scope, request_scope
from shared.sealing import Sealer
from shared.tokens import Audience

REMEMBERED = timedelta(days=1)

IDEMPOTENCY_KEY = Header(
    alias="Idempotency-Key",
    min_length=1,
    max_length=255,
    description="The same request again with the same key, within a day, has no second effect",
)

_table = Table(
    "idempotency_keys",
    MetaData(),
    Column("organization_id", BigInteger, primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("status", SmallInteger),
    Column("answer", Text),
    Column("etag", String(64)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
)

M = TypeVar("M", bound=BaseModel)


class IdempotencyKeyReused(DomainError):
    """The key was used before for another request."""

    status = 409
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used with another request; take a new one")


class _Replay(Exception):
    """Leaves the request with the answer given before."""

    def __init__(self, status: int, answer: str, etag: str | None) -> None:
        self.status = status
        self.answer = answer
        self.headers = {"Idempotent-Replayed": "true", **({"ETag": etag} if etag else {})}


class Answers:
    """What one service has answered under keys, sealed if it has a sealer."""

    def __init__(self, session: AsyncSession, sealer: Sealer | None = None) -> None:
        self._session = session
        self._sealer = sealer

    def under(self, key: str, who: Principal) -> "_Entry":
        identity = {"organization_id": who.organization_id, "subject": who.subject, "key": key}
        return _Entry(self._session, self._sealer, identity)


class _Entry:
    """One key of one caller."""

    def __init__(self, session: AsyncSession, sealer: Sealer | None, identity: Mapping[str, Any]) -> None:
        self._session = session
        self._sealer = sealer
        self._identity = identity
        self._row = [_table.c[name] == value for name, value in identity.items()]

    async def begin(self, request: str) -> None:
        """Returns if nothing was answered yet. While another transaction has the key, this waits for its end.

        Raises _Replay, and IdempotencyKeyReused when the answer was to another request.
        """
        fingerprints = self._fingerprints(request)
        row = insert(_table).values(**self._identity, fingerprint=fingerprints[0]).on_conflict_do_nothing()
        while (await self._session.execute(row.returning(_table.c.key))).first() is None:
            known = (await self._session.execute(select(_table).where(*self._row).with_for_update())).one_or_none()
            if known is None:  # forgotten this moment
                continue
            if known.fingerprint not in fingerprints:
                raise IdempotencyKeyReused
            if known.status is None:  # its request was refused, and what that changed was kept
                return
            raise _Replay(known.status, self._opened(known.answer), known.etag)

    async def store(self, status: int, answer: str, etag: str | None) -> None:
        values = {"status": status, "answer": self._sealed(answer), "etag": etag}
        await self._session.execute(update(_table).where(*self._row).values(values))

    def _fingerprints(self, request: str) -> list[str]:
        """The first is stored; any of them is known again, for the keys of a sealer are rotated."""
        return [sha256(request.encode()).hexdigest()] if self._sealer is None else self._sealer.fingerprints(request)

    def _sealed(self, answer: str) -> str:
        return answer if self._sealer is None else self._sealer.seal(answer).decode()

    def _opened(self, answer: str) -> str:
        return answer if self._sealer is None else self._sealer.open(answer.encode())


class Once:
    """The effect of this request happens once for its key; without a key it happens each time."""

    def __init__(self, entry: _Entry | None, response: Response, status: int) -> None:
        self._entry = entry
        self._response = response
        self._status = status

    async def keep(self, answer: M, *, status: int | None = None) -> M:
        """Stores `answer` and the entity tag set by now with the effect, and returns it.

        `status` is the route's, unless this answer has another.
        """
        if self._entry is not None:
            await self.keep_json(answer.model_dump_json(by_alias=True).encode(), status=status)
        return answer

    async def keep_json(self, answer: bytes, *, status: int | None = None) -> None:
        """As `keep`, of an answer that is JSON already."""
        if self._entry is not None:
            await self._entry.store(status or self._status, answer.decode(), self._response.headers.get("etag"))


class Claim:
    """The key of a request whose body the handler reads itself, as it arrives."""

    def __init__(self, entry: _Entry | None, request: Request, response: Response) -> None:
        self._entry = entry
        self._request = request
        self._response = response

    @property
    def is_keyed(self) -> bool:
        return self._entry is not None

    async def take(self, body_sha256: str) -> Once:
        """To be asked once the body is read and before anything is changed. Raises IdempotencyKeyReused.

        A known key leaves at once with the first answer.
        """
        if self._entry is not None:
            url = self._request.url
            await self._entry.begin(f"{self._request.method} {url.path}?{url.query}\n{body_sha256}")
        return Once(self._entry, self._response, self._request.scope["route"].status_code or 200)


@raises(IdempotencyKeyReused)
async def claim(
    request: Request,
    response: Response,
    scope: Annotated[Scope, Depends(request_scope, scope="function")],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    key: Annotated[str | None, IDEMPOTENCY_KEY] = None,
) -> Claim:
    """A dependency for POST handlers that read the body themselves."""
    if key is None:
        return Claim(None, request, response)
    who = authenticate(request.app.state.keys, credentials.credentials if credentials else None, *Audience)
    return Claim(scope.get(Answers).under(key, who), request, response)


async def once(request: Request, claim: Annotated[Claim, Depends(claim)]) -> Once:
    """A dependency for POST handlers. Raises IdempotencyKeyReused; a known key leaves at once with the first answer."""
    return await claim.take(sha256(await request.body()).hexdigest() if claim.is_keyed else "")


async def forget_old_keys(session: AsyncSession) -> None:
    """Deletes the keys older than a day, by the database's clock."""
    await session.execute(delete(_table).where(_table.c.created_at < func.now() - REMEMBERED))


def add_table(metadata: MetaData) -> None:
    _table.to_metadata(metadata)


def install(app: FastAPI) -> None:
    app.add_exception_handler(_Replay, _answer_again)


def _answer_again(_request: Request, replay: Exception) -> Response:
    assert isinstance(replay, _Replay)  # noqa: S101 - registered for this class alone
    return Response(replay.answer, replay.status, replay.headers, "application/json")
