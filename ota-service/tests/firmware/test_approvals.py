"""Who must approve firmware before it may be installed, and what withdrawing it stops."""

import asyncio

import pytest

from ota_service.firmware.errors import FirmwareNotApproved, FirmwareWithdrawn
from ota_service.firmware.service import FirmwareService

POLICY = "/api/v2/firmware/policy"


@pytest.fixture
def person(credentials):
    """The headers of a user of organization 1, who may approve."""

    def headers(user, *scopes, session="of-a-browser"):
        token = credentials.person(*(scopes or ("updates:approve", "updates:read")), user=user, session=session)
        return {"Authorization": f"Bearer {token}"}

    return headers


@pytest.fixture
def ask_for(anyone, person):
    async def send(approvals, **headers):
        return await anyone.put(
            POLICY, json={"approvals": approvals}, headers=person("1", "organization:admin") | headers
        )

    return send


@pytest.fixture
async def firmware(upload):
    return (await upload()).json()["id"]


@pytest.fixture
def approve(operator, person, firmware):
    async def send(user, **claims):
        return await operator.post(f"/api/v2/firmware/{firmware}/approve", headers=person(user, **claims))

    return send


@pytest.fixture
def withdraw(operator, firmware):
    async def send(reason="bricks the v2 boards"):
        return await operator.post(f"/api/v2/firmware/{firmware}/withdraw", json={"reason": reason})

    return send


@pytest.fixture
def installable(app, firmware):
    async def find():
        async with app.state.scopes() as scope:
            return await scope.get(FirmwareService).installable(1, firmware)

    return find


class TestApproval:
    async def test_one_person_is_enough_unless_more_are_asked_for(self, approve, installable):
        with pytest.raises(FirmwareNotApproved):
            await installable()
        answer = (await approve("7")).json()
        assert (answer["state"], answer["approved_by"], answer["approvals_needed"]) == ("approved", "7", 1)
        assert (await installable()).state == "approved"

    async def test_the_last_one_needed_approves(self, ask_for, approve, installable):
        await ask_for(2)
        first = (await approve("8")).json()
        assert (first["state"], first["approved_by"], first["approvals_needed"]) == ("uploaded", None, 2)
        with pytest.raises(FirmwareNotApproved):
            await installable()
        second = (await approve("9")).json()
        assert (second["state"], second["approved_by"]) == ("approved", "9")
        assert [approval["by"] for approval in second["approvals"]] == ["8", "9"]

    async def test_one_person_counts_once(self, ask_for, approve):
        await ask_for(2)
        answers = await asyncio.gather(*(approve("8") for _ in range(10)))
        assert {(answer.status_code, answer.json()["state"]) for answer in answers} == {(200, "uploaded")}
        assert len((await approve("8")).json()["approvals"]) == 1

    async def test_of_many_at_once_the_last_one_needed_is_one(self, ask_for, approve, sql):
        await ask_for(3)
        answers = await asyncio.gather(*(approve(str(user)) for user in range(20, 30)))
        assert sorted(answer.json()["state"] for answer in answers) == ["approved"] * 8 + ["uploaded"] * 2
        assert await sql.fetchval("select count(*) from firmware_approvals") == 3

    async def test_the_uploader_is_not_one_of_several(self, ask_for, approve):
        await ask_for(2)
        answer = await approve("7")
        assert (answer.status_code, answer.json()["code"]) == (403, "approval_not_counted")
        assert "uploaded" in answer.json()["detail"]

    async def test_a_key_is_not_one_of_several_people(self, ask_for, approve):
        await ask_for(2)
        answer = await approve("8", session=None)
        assert (answer.status_code, answer.json()["code"]) == (403, "approval_not_counted")
        assert "sign in" in answer.json()["detail"]

    async def test_the_uploaders_own_does_not_count_when_more_are_asked_for_later(
        self, upload, ask_for, operator, person
    ):
        waiting = (await upload(version="2.0")).json()["id"]
        await ask_for(2)
        url = f"/api/v2/firmware/{waiting}/approve"
        await operator.post(url, headers=person("8"))
        await ask_for(1)
        assert (await operator.get(f"/api/v2/firmware/{waiting}")).json()["state"] == "uploaded"
        assert (await operator.post(url, headers=person("8"))).json()["state"] == "approved"

    async def test_what_was_approved_stays_so_when_more_are_asked_for(self, ask_for, approve, installable):
        await approve("7")
        await ask_for(3)
        assert (await installable()).state == "approved"


class TestPolicy:
    async def test_it_asks_for_one_until_somebody_says_otherwise(self, operator):
        answer = await operator.get(POLICY)
        assert (answer.json(), answer.headers["etag"]) == ({"approvals": 1, "version": 0}, '"0"')

    async def test_it_is_an_administrators_to_set(self, anyone, person):
        answer = await anyone.put(POLICY, json={"approvals": 2}, headers=person("8"))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    async def test_of_two_who_saw_the_same_one_sets_it(self, ask_for):
        answers = await asyncio.gather(*(ask_for(number, **{"If-Match": '"0"'}) for number in (2, 3, 4)))
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
        assert (await ask_for(5, **{"If-Match": '"1"'})).json() == {"approvals": 5, "version": 2}

    @pytest.mark.parametrize("approvals", [0, 11, -1, 1.5, "two", None, True])
    async def test_nonsense_is_refused(self, ask_for, approvals):
        assert (await ask_for(approvals)).status_code == 422

    async def test_it_is_the_organizations_own(self, ask_for, stranger):
        await ask_for(4)
        assert (await stranger.get(POLICY)).json()["approvals"] == 1


class TestWithdrawal:
    async def test_it_stops_new_updates_for_good(self, approve, withdraw, installable):
        await approve("7")
        answer = (await withdraw()).json()
        assert (answer["state"], answer["withdrawn_by"]) == ("withdrawn", "7")
        assert answer["withdrawn_because"] == "bricks the v2 boards"
        with pytest.raises(FirmwareWithdrawn):
            await installable()
        again = await approve("8")
        assert (again.status_code, again.json()["code"]) == (409, "firmware_withdrawn")

    async def test_again_it_changes_nothing(self, withdraw):
        first = await withdraw()
        assert (await withdraw("another reason")).json() == first.json()

    async def test_it_waits_for_the_update_that_is_being_opened(self, app, approve, withdraw, firmware):
        await approve("7")
        async with app.state.scopes() as scope:
            await scope.get(FirmwareService).installable(1, firmware)
            withdrawing = asyncio.create_task(withdraw())
            done, _ = await asyncio.wait([withdrawing], timeout=0.3)
            assert not done
        assert (await withdrawing).json()["state"] == "withdrawn"

    @pytest.mark.parametrize("reason", ["", "   ", "a\0b", "x" * 501, None])
    async def test_it_needs_a_reason_that_can_be_read(self, withdraw, reason):
        assert (await withdraw(reason)).status_code == 422
