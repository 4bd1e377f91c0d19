"""The life of an alert. Pure.

What people see is its state. Before it is an alert, and after, it is a condition that somebody waits for:

    watched -> pending -> active -> ended
                             `----> held -> ended

`watched`: nothing is wrong yet, and at its deadline it may be. `pending`: the condition holds, not long enough yet.
`active`: an open alert. `held`: cleared by a person while the condition holds; no other opens before that has ended.
`ended` is looked at once more, for what others saw while they still took it for open.
"""

from enum import StrEnum


class Phase(StrEnum):
    WATCHED = "watched"
    PENDING = "pending"
    ACTIVE = "active"
    HELD = "held"
    ENDED = "ended"


class State(StrEnum):
    ACTIVE = "active"
    CLEARED = "cleared"


class ClearReason(StrEnum):
    RECOVERED = "recovered"
    PERSON = "person"
    RULE = "rule"
    DEVICE = "device"
