"""Policy about firmware, pure: whose approval counts, and what a request for a file is answered with.

Source of the latter: RFC 9110, sections 13 (conditions) and 14 (ranges).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from ota_service.firmware.errors import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"bytes=[ \t]*(\d{0,19})-(\d{0,19})[ \t]*", re.ASCII | re.IGNORECASE)


def not_counted(needed: int, *, by: str, uploaded_by: str, is_person: bool) -> str | None:
    """Why an approval does not count where `needed` people must give one, or None."""
    if needed == 1:
        return None
    if not is_person:
        return f"{needed} people must approve firmware here, and a key is nobody; sign in"
    if by == uploaded_by:
        return f"{needed} people must approve firmware here, and the one who uploaded it is not one of them"
    return None


def enough(needed: int, given: Collection[str], *, uploaded_by: str) -> bool:
    """Whether those who have approved are as many as must. What the uploader gave counts where one is enough."""
    return len(given) >= 1 if needed == 1 else len(set(given) - {uploaded_by}) >= needed


@dataclass(frozen=True)
class Part:
    """Bytes `start` to `end`, the latter excluded."""

    start: int
    end: int
    whole: bool


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether the client has it already, by weak comparison (section 13.1.2)."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return etag in {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}


def part_of(size: int, *, wanted: str | None, if_range: str | None, etag: str) -> Part:
    """The part of a file of `size` bytes that the Range header `wanted` asks for. Raises RangeNotSatisfiable.

    Several ranges, and what is not understood, are answered with the whole file; so is a range whose If-Range names
    anything but this entity, by strong comparison.
    """
    whole = Part(0, size, whole=True)
    if wanted is None or (if_range is not None and if_range.strip() != etag):
        return whole
    match = _ONE_RANGE.fullmatch(wanted.strip())
    if match is None or not (match[1] or match[2]):
        return whole
    if not match[1]:
        return _suffix(size, int(match[2]))
    start = int(match[1])
    if match[2] and int(match[2]) < start:
        return whole
    if start >= size:
        raise RangeNotSatisfiable(size)
    return Part(start, min(int(match[2]) + 1, size) if match[2] else size, whole=False)


def _suffix(size: int, length: int) -> Part:
    if length == 0:
        raise RangeNotSatisfiable(size)
    return Part(max(0, size - length), size, whole=False)
