"""Who is in the watched groups is known both ways round; talk is told from floods."""

from hypothesis import given
from hypothesis import strategies as st

from monitoring.live.rules import Budget, Memberships

PUTS = st.lists(st.tuples(st.integers(1, 2), st.integers(1, 3), st.sets(st.sampled_from("abcd"))))


@given(PUTS, st.sets(st.tuples(st.integers(1, 2), st.integers(1, 3))))
def test_a_device_is_in_the_groups_that_have_it(puts, dropped):
    memberships, groups = Memberships(), {}
    for revision, (organization_id, group_id, uids) in enumerate(puts):
        come = memberships.put(organization_id, group_id, uids, revision=revision)
        assert memberships.is_current(organization_id, group_id, revision)
        assert not memberships.is_current(organization_id, group_id, revision + 1)
        assert come == uids - groups.get((organization_id, group_id), set())
        groups[organization_id, group_id] = uids
    for key in dropped:
        memberships.drop(*key)
        groups.pop(key, None)
    assert sorted(memberships.watched()) == sorted(groups)
    for organization_id in (1, 2):
        for uid in "abcd":
            having = [one for (whose, one), uids in groups.items() if whose == organization_id and uid in uids]
            assert sorted(memberships.groups_of(organization_id, uid)) == sorted(having)


def test_who_begins_to_watch_takes_nobody_the_news_of_who_has_come():
    memberships = Memberships()
    memberships.begin(1, 7, ["a"])
    memberships.begin(1, 7, ["a", "b"])
    assert memberships.groups_of(1, "a") == [7]
    assert memberships.put(1, 7, ["a", "b"], revision=0) == {"b"}


def test_a_budget_allows_a_burst_and_then_a_rate():
    budget = Budget(rate=10, burst=3, now=0.0)
    assert [budget.spend(0.0) for _ in range(4)] == [True, True, True, False]
    assert budget.spend(0.05) is False
    assert [budget.spend(0.15), budget.spend(0.15)] == [True, False]
    assert [budget.spend(100.0) for _ in range(4)] == [True, True, True, False]
