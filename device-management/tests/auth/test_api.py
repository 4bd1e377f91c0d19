import asyncio
import json
from datetime import timedelta

import jwt
import pytest
from redis.asyncio import Redis

from device_management.auth import gateway
from device_management.auth.gateway import LONGEST_WAIT_S, Attempts, Passwords
from device_management.auth.service import AuthService
from device_management.auth.store import AuthStore
from device_management.organizations.service import OrganizationService
from shared.testing import Credentials, eventually

EMAIL, PASSWORD = "admin@fleet.example", "correct horse battery"


@pytest.fixture(autouse=True)
async def administrator(app):
    async with app.state.scopes() as scope:
        await scope.get(AuthService).ensure_first_administrator(
            email=EMAIL, password=PASSWORD, slug="muster", organization="Muster"
        )


async def sign_in(client, email=EMAIL, password=PASSWORD):
    return await client.post("/api/v2/auth/login", data={"username": email, "password": password})


async def test_signing_in_answers_with_a_pair_of_tokens_that_open_the_door(anyone):
    answer = await sign_in(anyone)
    assert answer.status_code == 200
    pair = answer.json()
    assert pair["token_type"] == "bearer"
    assert pair["expires_in"] == 900
    me = await anyone.get("/api/v2/auth/me", headers={"Authorization": f"Bearer {pair['access_token']}"})
    assert me.status_code == 200
    assert me.json()["email"] == EMAIL
    assert me.json()["organization"]["slug"] == "muster"
    assert "platform:admin" in me.json()["scopes"]


async def test_the_shorter_path_answers_alike_and_stays_out_of_the_document(anyone):
    answer = await anyone.post("/api/auth/login", data={"username": EMAIL, "password": PASSWORD})
    assert answer.status_code == 200
    paths = (await anyone.get("/openapi.json")).json()["paths"]
    assert "/api/v2/auth/login" in paths
    assert "/api/auth/login" not in paths


async def test_while_a_password_is_looked_at_no_connection_is_held(anyone, sql, monkeypatch):
    looking, go_on = asyncio.Event(), asyncio.Event()
    matches = Passwords.matches

    async def slowly(passwords, password, hashed):
        looking.set()
        await go_on.wait()
        return await matches(passwords, password, hashed)

    monkeypatch.setattr(Passwords, "matches", slowly)
    signing_in = asyncio.create_task(sign_in(anyone))
    await looking.wait()
    held = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'"
    assert await sql.fetchval(held) == 0
    go_on.set()
    assert (await signing_in).status_code == 200


async def test_the_email_is_taken_in_either_case(anyone):
    assert (await sign_in(anyone, email=" ADMIN@Fleet.Example ")).status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "wrong"), ("nobody@fleet.example", PASSWORD), (EMAIL, "x" * 100_000), ("nul\0@x", PASSWORD), (EMAIL, "")],
)
async def test_a_wrong_sign_in_does_not_say_what_was_wrong(anyone, email, password):
    answer = await sign_in(anyone, email, password)
    assert answer.status_code == 401 or (password == "" and answer.status_code == 422)
    if answer.status_code == 401:
        assert answer.json()["code"] == "bad_credentials"
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_refresh_token_is_good_for_one_use(anyone):
    first = (await sign_in(anyone)).json()
    second = await anyone.post("/api/v2/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]


async def refresh(client, token):
    return await client.post("/api/v2/auth/refresh", json={"refresh_token": token})


async def test_a_refresh_token_that_comes_twice_ends_the_whole_sign_in(anyone, sql):
    first = (await sign_in(anyone)).json()["refresh_token"]
    pair = (await refresh(anyone, first)).json()
    await sql.execute("update refresh_tokens set used_at = used_at - interval '11 s' where used_at is not null")
    again = await refresh(anyone, first)
    assert (again.status_code, again.json()["code"]) == (401, "bad_refresh_token")
    assert (await refresh(anyone, pair["refresh_token"])).status_code == 401
    headers = {"Authorization": f"Bearer {pair['access_token']}"}

    async def is_refused():
        return (await anyone.get("/api/v2/auth/me", headers=headers)).status_code == 401

    await eventually(is_refused, why="the access token of the ended sign-in is refused")


async def test_within_seconds_a_second_tab_gets_the_same_successor(anyone, sql):
    first = (await sign_in(anyone)).json()["refresh_token"]
    answers = await asyncio.gather(*(refresh(anyone, first) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    (successor,) = {answer.json()["refresh_token"] for answer in answers}
    assert (await refresh(anyone, successor)).status_code == 200
    assert await sql.fetchval("select count(*) from refresh_tokens") == 3


async def test_a_successor_cannot_be_found_without_the_key(anyone, tmp_path):
    first = (await sign_in(anyone)).json()["refresh_token"]
    successor = (await refresh(anyone, first)).json()["refresh_token"]
    assert Credentials(tmp_path).signer.derive("refresh", first) != successor


async def test_signing_out_ends_the_sign_in_and_leaves_others_alone(anyone):
    mine = (await sign_in(anyone)).json()["refresh_token"]
    elsewhere = (await sign_in(anyone)).json()["refresh_token"]
    assert (await anyone.post("/api/v2/auth/logout", json={"refresh_token": mine})).status_code == 204
    assert (await anyone.post("/api/v2/auth/refresh", json={"refresh_token": mine})).status_code == 401
    assert (await anyone.post("/api/v2/auth/refresh", json={"refresh_token": elsewhere})).status_code == 200


async def test_an_unknown_refresh_token_is_refused(anyone):
    answer = await anyone.post("/api/v2/auth/refresh", json={"refresh_token": "nothing"})
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_refresh_token")


async def test_a_password_is_kept_as_argon2id_and_a_refresh_token_as_a_hash(anyone, sql):
    secret = (await sign_in(anyone)).json()["refresh_token"]
    assert (await sql.fetchval("select password_hash from users")).startswith("$argon2id$")
    digests = await sql.fetch("select digest from refresh_tokens")
    assert all(secret.encode() not in row["digest"] and len(row["digest"]) == 32 for row in digests)


async def test_the_first_organization_is_told_like_any_other_and_once(app, sql):
    async with app.state.scopes() as scope:
        await scope.get(OrganizationService).ensure(slug="muster", name="Muster")
    told = await sql.fetch("select payload from outbox where type = 'organization.created.v1'")
    assert [json.loads(row["payload"])["data"]["slug"] for row in told] == ["muster"]


async def test_a_first_administrator_is_made_once(app, sql):
    async with app.state.scopes() as scope:
        await scope.get(AuthService).ensure_first_administrator(
            email="second@fleet.example", password="x", slug="second", organization="Second"
        )
    assert await sql.fetchval("select count(*) from users") == 1


class TestFailedAttempts:
    @pytest.fixture
    def long_wait(self, monkeypatch):
        """The first wait is a minute: it is not over before the next attempt."""
        monkeypatch.setattr(gateway, "FIRST_WAIT_S", 60)

    async def guess(self, client, email=EMAIL):
        return await sign_in(client, email, "wrong")

    @pytest.mark.parametrize("email", [EMAIL, "nobody@fleet.example"])
    async def test_after_some_the_next_has_to_wait_whether_the_account_exists_or_not(self, anyone, long_wait, email):
        assert [(await self.guess(anyone, email)).status_code for _ in range(5)] == [401] * 5
        answer = await self.guess(anyone, f" {email.upper()} ")
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
        assert 1 <= int(answer.headers["retry-after"]) <= 60

    async def test_many_at_once_are_as_many_as_one_after_the_other(self, anyone, long_wait):
        answers = await asyncio.gather(*(self.guess(anyone) for _ in range(30)))
        assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 25

    async def test_after_the_wait_the_right_password_opens_and_everything_is_forgotten(
        self, anyone, long_wait, redis_url
    ):
        for _ in range(6):
            answer = await self.guess(anyone)
        assert answer.status_code == 429
        assert (await sign_in(anyone)).status_code == 429
        async with Redis.from_url(redis_url) as redis:
            [key] = await redis.keys("sign-in:account:*")
            await redis.hset(key, "until", (await redis.time())[0])
        assert (await sign_in(anyone)).status_code == 200
        assert [(await self.guess(anyone)).status_code for _ in range(4)] == [401] * 4

    async def test_the_wait_doubles_and_has_an_end(self, redis_url):
        async with Redis.from_url(redis_url) as redis:
            attempts, waits = Attempts(redis), []
            for _ in range(4):
                assert await attempts.begin("a@x", "1.2.3.4") == 0
            [key] = await redis.keys("sign-in:account:*")
            for _ in range(20):
                before = await seconds(redis)
                assert await attempts.begin("a@x", "1.2.3.4") == 0
                until, after = float(await redis.hget(key, "until")), await seconds(redis)
                waits.append((until - after, until - before))
                await redis.hdel(key, "until")
        expected = [min(2**number, LONGEST_WAIT_S) for number in range(20)]
        assert all(least - 0.01 < wait < most + 0.01 for (least, most), wait in zip(waits, expected, strict=True)), (
            waits
        )

    async def test_redis_away_lets_people_in(self, app, anyone, monkeypatch):
        async def away(*_):
            raise ConnectionError

        monkeypatch.setattr(Redis, "eval", away)
        assert [(await self.guess(anyone)).status_code for _ in range(8)] == [401] * 8
        assert (await sign_in(anyone)).status_code == 200


async def seconds(redis):
    """By Redis's clock."""
    whole, micros = await redis.time()
    return whole + micros / 1_000_000


async def bearer(client, password=PASSWORD):
    return {"Authorization": f"Bearer {(await sign_in(client, password=password)).json()['access_token']}"}


async def refused(client, headers):
    return (await client.get("/api/v2/auth/me", headers=headers)).status_code == 401


async def test_a_new_password_ends_every_sign_in_and_begins_one(anyone, sql):
    elsewhere = (await sign_in(anyone)).json()
    headers = await bearer(anyone)
    body = {"current_password": PASSWORD, "new_password": "a new password"}
    answer = await anyone.post("/api/v2/auth/password", json=body, headers=headers)
    assert answer.status_code == 200
    fresh = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await refresh(anyone, elsewhere["refresh_token"])).status_code == 401
    await eventually(lambda: refused(anyone, headers))
    assert not await refused(anyone, fresh)
    assert (await sign_in(anyone)).status_code == 401
    assert (await sign_in(anyone, password="a new password")).status_code == 200
    entry = await sql.fetchrow("select action, before::text, after::text from audit_entries")
    assert (entry["action"], "argon2" in entry["before"] + entry["after"]) == ("password_changed", False)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"current_password": "wrong", "new_password": "a new password"}, 401),
        ({"current_password": PASSWORD, "new_password": "short"}, 422),
        ({"current_password": PASSWORD, "new_password": "x" * 1_025}, 422),
        ({"current_password": PASSWORD}, 422),
    ],
)
async def test_a_bad_change_of_password_changes_nothing(anyone, body, status):
    headers = await bearer(anyone)
    assert (await anyone.post("/api/v2/auth/password", json=body, headers=headers)).status_code == status
    assert (await sign_in(anyone)).status_code == 200


async def test_signing_out_everywhere_ends_all_and_a_key_may_not(anyone, credentials):
    headers, elsewhere = await bearer(anyone), await bearer(anyone)
    key = {"Authorization": f"Bearer {credentials.person('devices:read')}"}
    assert (await anyone.post("/api/v2/auth/logout-everywhere", headers=key)).json()["code"] == "sign_in_needed"
    assert (await anyone.post("/api/v2/auth/logout-everywhere", headers=headers)).status_code == 204
    await eventually(lambda: refused(anyone, elsewhere))


class TestTokens:
    async def refused(self, client, token):
        answer = await client.get("/api/v2/auth/me", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, answer.json()["code"]

    async def test_no_token_is_refused_with_a_challenge(self, anyone):
        answer = await anyone.get("/api/v2/auth/me")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"

    async def test_a_stale_token_is_refused(self, anyone, credentials):
        token = credentials.person(lifetime=timedelta(minutes=-1))
        assert await self.refused(anyone, token) == (401, "unauthenticated")

    async def test_a_token_without_a_signature_is_refused(self, anyone, credentials):
        claims = jwt.decode(credentials.person(), options={"verify_signature": False}, audience="muster:people")
        token = jwt.encode(claims, "", algorithm="none")
        assert await self.refused(anyone, token) == (401, "unauthenticated")

    async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(self, anyone, credentials):
        claims = jwt.decode(credentials.person(), options={"verify_signature": False}, audience="muster:people")
        secret = json.loads((credentials.directory / "token-keys.json").read_text())["keys"][0]["x"]
        kid = jwt.get_unverified_header(credentials.person())["kid"]
        token = jwt.encode(claims, secret, algorithm="HS256", headers={"kid": kid})
        assert await self.refused(anyone, token) == (401, "unauthenticated")

    async def test_a_token_of_another_signer_is_refused(self, anyone, tmp_path):
        assert await self.refused(anyone, Credentials(tmp_path).person()) == (401, "unauthenticated")

    async def test_a_devices_token_does_not_open_a_persons_path(self, anyone, credentials):
        assert await self.refused(anyone, credentials.device("pump-1")) == (403, "forbidden")


@pytest.fixture
def meanwhile(monkeypatch, sql):
    """`meanwhile(statement)`: what is committed by another while a password is being looked at."""
    looked_at = Passwords.matches

    def commits(statement: str) -> None:
        async def matches(self, password, hashed):
            right = await looked_at(self, password, hashed)
            await sql.execute(statement)
            return right

        monkeypatch.setattr(Passwords, "matches", matches)

    return commits


@pytest.mark.parametrize("change", ["update users set active = false", "update users set password_hash = 'another'"])
async def test_who_is_shut_out_while_signing_in_is_not_let_in(anyone, meanwhile, sql, change):
    meanwhile(change)
    assert (await sign_in(anyone)).status_code == 401
    assert await sql.fetchval("select count(*) from sign_ins") == 0


@pytest.mark.parametrize("change", ["update users set active = false", "update users set password_hash = 'another'"])
async def test_who_is_shut_out_while_changing_their_password_does_not_come_back_by_it(anyone, meanwhile, sql, change):
    pair = (await sign_in(anyone)).json()
    meanwhile(change)
    body = {"current_password": PASSWORD, "new_password": "a wholly new one"}
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    answer = await anyone.post("/api/v2/auth/password", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")
    assert await sql.fetchval("select count(*) from sign_ins") == 1


@pytest.mark.parametrize(
    "change", ["update users set active = false", "update sign_ins set ended_at = now(), ended_because = 'x'"]
)
async def test_what_ends_a_sign_in_while_it_is_refreshed_ends_it(anyone, monkeypatch, sql, change):
    first = (await sign_in(anyone)).json()["refresh_token"]
    use = AuthStore.use_refresh_token

    async def used_and_then(self, digest):
        used = await use(self, digest)
        await sql.execute(change)
        return used

    monkeypatch.setattr(AuthStore, "use_refresh_token", used_and_then)
    answer = await refresh(anyone, first)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_refresh_token")


async def test_an_email_in_broken_text_is_nobodys(anyone):
    form = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    body = form % (b"username", rb"\ud800") + form % (b"password", rb"\ud800 and more") + b"--x--\r\n"
    kind = "multipart/form-data; boundary=x; charset=unicode_escape"
    answer = await anyone.post("/api/v2/auth/login", content=body, headers={"Content-Type": kind})
    assert answer.status_code in {401, 422}, answer.text
