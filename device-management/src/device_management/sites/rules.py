"""Policy of sites, pure: which topics carry telemetry, and from which device."""

import re
from dataclasses import dataclass

from device_management.sites.errors import UnacceptableTemplate
from device_management.sites.schemas import DEFAULT_TEMPLATE

PLACEHOLDER = "{uid}"

_UID = "([A-Za-z0-9_-]{1,64})"


@dataclass(frozen=True)
class TopicTemplate:
    """A topic with the device's uid as one of its levels, e.g. `plant/{uid}/data`; `+` stands for any one level."""

    filter: str
    """What to subscribe to."""
    _pattern: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> "TopicTemplate":
        """Raises UnacceptableTemplate for one that names no device or is no topic."""
        levels = text.split("/")
        if levels.count(PLACEHOLDER) != 1:
            raise UnacceptableTemplate(f"exactly one level is {PLACEHOLDER}, e.g. {DEFAULT_TEMPLATE}")
        if text.startswith("$"):
            raise UnacceptableTemplate("topics that begin with $ are the broker's own")
        for level in levels:
            if level not in {PLACEHOLDER, "+"} and re.search(r"[#+{}\0]", level):
                raise UnacceptableTemplate(f"a level is {PLACEHOLDER}, + or plain text without # + {{ }}: {level!r}")
        pattern = "/".join(_UID if level == PLACEHOLDER else _literal(level) for level in levels)
        return cls("/".join("+" if level == PLACEHOLDER else level for level in levels), re.compile(pattern))

    def uid_of(self, topic: str) -> str | None:
        """The device that a topic is about; None when the level holds no uid."""
        match = self._pattern.fullmatch(topic)
        return match[1] if match else None


def _literal(level: str) -> str:
    return "[^/]*" if level == "+" else re.escape(level)
