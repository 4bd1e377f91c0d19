from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.access import AccessRestored, AccessRevoked
from shared.errors import ServiceUnavailable
from shared.revocations import Kind, Refresh, Revocation, Revocations, newest
from shared.testing import Credentials
from shared.tokens import Audience, Claims, InvalidToken

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PERSON = Claims(
    subject="7",
    organization_id=3,
    audience=Audience.PEOPLE,
    token_id="t-1",
    not_before=NOW,
    expires_at=NOW + timedelta(minutes=15),
    session="s-1",
    generation=2,
)
KEY = replace(PERSON, session=None, generation=None)
DEVICE = replace(PERSON, audience=Audience.DEVICE, session=None, generation=1)


def refused(claims, *entries):
    revocations = Revocations()
    revocations.replace(entries)
    return revocations.refuses(claims)


@pytest.mark.parametrize(
    ("entry", "person", "key", "device"),
    [
        (Revocation(Kind.ORGANIZATION, "3", 1), True, True, True),
        (Revocation(Kind.ORGANIZATION, "3", 2, refused=False), False, False, False),
        (Revocation(Kind.ORGANIZATION, "7", 1), False, False, False),
        (Revocation(Kind.SESSION, "s-1", 1), True, False, False),
        (Revocation(Kind.SESSION, "s-2", 1), False, False, False),
        (Revocation(Kind.TOKEN, "t-1", 1), True, True, True),
        (Revocation(Kind.USER, "7", 2), False, False, False),
        (Revocation(Kind.USER, "7", 3), True, False, False),
    ],
)
def test_who_is_refused(entry, person, key, device):
    assert (refused(PERSON, entry), refused(KEY, entry), refused(DEVICE, entry)) == (person, key, device)


def test_a_key_ring_refuses_what_is_revoked_and_lets_it_in_again(tmp_path):
    credentials = Credentials(tmp_path)
    token = credentials.person(organization_id=3)
    credentials.keys.revocations.replace([Revocation(Kind.ORGANIZATION, "3", 1)])
    with pytest.raises(InvalidToken, match="revoked"):
        credentials.keys.verify(token, Audience.PEOPLE)
    credentials.keys.revocations.replace([])
    assert credentials.keys.verify(token, Audience.PEOPLE).organization_id == 3


@given(st.permutations([Revocation("user", "1", version) for version in range(5)] + [Revocation("user", "2", 9)]))
def test_of_several_the_greatest_version_counts(entries):
    assert newest(entries) == [Revocation("user", "1", 4), Revocation("user", "2", 9)]


def test_the_list_is_read_often_enough_for_a_token_to_be_refused_within_five_seconds():
    assert 3 * Refresh.SECONDS < 5


async def test_while_the_store_is_away_the_last_list_holds():
    revocations = Revocations()
    with pytest.raises(ServiceUnavailable):
        await revocations.check()
    answers = [[Revocation(Kind.ORGANIZATION, "3", 1)], ServiceUnavailable("away")]

    async def load():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    refresh = Refresh(load, revocations)
    await refresh()
    await refresh()
    await revocations.check()
    assert revocations.refuses(PERSON)


@pytest.mark.parametrize(("event", "refused"), [(AccessRevoked, True), (AccessRestored, False)])
def test_an_entry_is_what_its_event_says(event, refused):
    state = event(organization_id=3, version=2, kind="organization", subject_id="3", refused=refused)
    assert Revocation.of(state) == Revocation("organization", "3", 2, refused=refused)
