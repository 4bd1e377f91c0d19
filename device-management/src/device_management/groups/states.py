"""The two kinds of groups."""

from enum import StrEnum


class GroupKind(StrEnum):
    """A group stays of its kind."""

    FIXED = "fixed"
    QUERY = "query"
