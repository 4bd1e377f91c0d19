"""Rooms: who watches a topic together. Pure."""

from typing import NamedTuple

from monitoring.snapshots.states import Topic

EVERYTHING = "*"
"""What is about any device of the organization."""

COMMON = "common"
"""What is about the organization and no device."""


class Room(NamedTuple):
    """Those who watch one topic of an organization: all its devices, one, a group's, or what is about none.

    The server makes it from a verified token and devices and groups it has found to be that organization's; no client
    names it. A uid holds no slash, so no two rooms share a name.
    """

    topic: Topic
    organization_id: int
    of: str

    @classmethod
    def device(cls, topic: Topic, organization_id: int, uid: str) -> "Room":
        return cls(topic, organization_id, f"device/{uid}")

    @classmethod
    def group(cls, topic: Topic, organization_id: int, group_id: int) -> "Room":
        return cls(topic, organization_id, f"group/{group_id}")

    @property
    def device_uid(self) -> str | None:
        kind, _, uid = self.of.partition("/")
        return uid if kind == "device" else None

    @property
    def group_id(self) -> int | None:
        kind, _, number = self.of.partition("/")
        return int(number) if kind == "group" else None

    @property
    def name(self) -> str:
        return f"{self.topic}/{self.organization_id}/{self.of}"
