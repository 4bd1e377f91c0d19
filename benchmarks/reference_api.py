"""device-management's api with two more routes beside its own, for the ceilings of a cached read.

Both have the same token check: one answers what a bare GET finds in Redis, one a constant.
"""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Response
from redis.asyncio import Redis

from device_management.app import build
from device_management.settings import SERVICE, Settings
from shared.http.principal import Principal, requires
from shared.http.server import serve

REDIS_PREFIX = "/api/v2/reference/redis"
CONSTANT_PREFIX = "/api/v2/reference/constant"

Reader = Annotated[Principal, requires("devices:read")]


def key_of(uid: str) -> str:
    return f"benchmark:{uid}"


def build_with_references(settings: Settings) -> FastAPI:
    redis = Redis.from_url(settings.redis_url)
    router = APIRouter()
    constant = b'{"constant":"' + b"x" * 600 + b'"}'

    # Operations are named after their module, which is `__main__` here.
    @router.get(REDIS_PREFIX + "/{uid}", operation_id="reference_from_redis")
    async def from_redis(uid: str, who: Reader) -> Response:
        return Response(await redis.get(key_of(uid)), media_type="application/json")

    @router.get(CONSTANT_PREFIX + "/{uid}", operation_id="reference_from_nowhere")
    async def from_nowhere(uid: str, who: Reader) -> Response:
        return Response(constant, media_type="application/json")

    app = build(settings)
    app.include_router(router)
    return app


if __name__ == "__main__":
    settings = Settings(grpc_port=0)
    serve(build_with_references(settings), service=SERVICE, settings=settings)
