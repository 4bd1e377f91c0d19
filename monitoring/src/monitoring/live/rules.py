"""Who is in the groups that are watched, and how floods are told from talk. Pure: time is in seconds that only grow."""

from collections import defaultdict
from collections.abc import Iterable


class Memberships:
    """Which devices are in the groups that somebody watches, both ways round."""

    def __init__(self) -> None:
        self._members: dict[tuple[int, int], frozenset[str]] = {}
        self._groups: dict[int, dict[str, list[int]]] = {}
        self._revisions: dict[tuple[int, int], int] = {}

    def watched(self) -> list[tuple[int, int]]:
        """The organization and the id of each group."""
        return list(self._members)

    def is_current(self, organization_id: int, group_id: int, revision: int) -> bool:
        """Whether the members were put as of this revision of the fleet."""
        return self._revisions.get((organization_id, group_id)) == revision

    def members(self, organization_id: int, group_id: int) -> frozenset[str]:
        return self._members.get((organization_id, group_id), frozenset())

    def begin(self, organization_id: int, group_id: int, uids: Iterable[str]) -> None:
        """The members of a group that nobody has watched. Of one that is watched they stay: who has come since is news
        to those who watch it, and `put` says so.
        """
        if (organization_id, group_id) not in self._members:
            self._members[organization_id, group_id] = frozenset(uids)
            self._turn_round(organization_id)

    def put(self, organization_id: int, group_id: int, uids: Iterable[str], *, revision: int) -> frozenset[str]:
        """The members of a group, as of a revision of the fleet or later; returns those that it did not have before."""
        before, after = self.members(organization_id, group_id), frozenset(uids)
        new = (organization_id, group_id) not in self._members
        self._members[organization_id, group_id] = after
        self._revisions[organization_id, group_id] = revision
        if new or before != after:
            self._turn_round(organization_id)
        return after - before

    def drop(self, organization_id: int, group_id: int) -> None:
        self._revisions.pop((organization_id, group_id), None)
        if self._members.pop((organization_id, group_id), None) is not None:
            self._turn_round(organization_id)

    def groups_of(self, organization_id: int, uid: str) -> list[int]:
        """The watched groups that the device is in."""
        return self._groups.get(organization_id, {}).get(uid, [])

    def _turn_round(self, organization_id: int) -> None:
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for (organization, group_id), uids in self._members.items():
            if organization == organization_id:
                for uid in uids:
                    groups[uid].append(group_id)
        if groups:
            self._groups[organization_id] = dict(groups)
        else:
            self._groups.pop(organization_id, None)


class Budget:
    """A token bucket: `burst` events at once, `rate` a second on average."""

    def __init__(self, *, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = float(burst)
        self._at = now

    def spend(self, now: float) -> bool:
        """False when the budget is used up."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
