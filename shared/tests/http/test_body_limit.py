import httpx
import pytest
from fastapi import FastAPI, Request

from shared.http import problem
from shared.http.middleware import BodyLimit


@pytest.fixture
def client():
    app = FastAPI()
    problem.install(app)
    app.add_middleware(BodyLimit, limit=10, by_path={"/large": 20})

    @app.post("/{_path:path}")
    async def length(request: Request) -> int:
        return len(await request.body())

    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://muster.test")


async def streamed(size):
    for _ in range(size):
        yield b"x"


@pytest.mark.parametrize("body", [lambda size: b"x" * size, streamed], ids=["declared", "streamed"])
@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/small", 10, 200),
        ("/small", 11, 413),
        ("/large", 20, 200),
        ("/large", 21, 413),
        ("/large/", 11, 413),
        ("/large/1", 11, 413),
    ],
)
async def test_a_path_may_have_a_limit_of_its_own_and_gives_it_to_no_other(client, path, size, status, body):
    answer = await client.post(path, content=body(size))
    assert answer.status_code == status
    assert answer.json() == size if status == 200 else answer.json()["code"] == "body_too_large"
