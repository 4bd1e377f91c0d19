"""What people call their things: text that another person can read, and tell from another's."""

import unicodedata
from typing import Final

from pydantic_core import PydanticCustomError

_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that are drawn as nothing."""

_DIRECTIONS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn around what is shown after them."""

_UNSHOWN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def readable(name: str) -> str:
    """Refuses what shows nothing, and what changes how the text around it is shown. Raises PydanticCustomError.

    Joiners stay: writing (and emoji) of several languages needs them.
    """
    if name.isascii() and name.isprintable() and not name.isspace():
        return name
    for character in name:
        if character in _DIRECTIONS or unicodedata.category(character) in _UNSHOWN:
            code = f"U+{ord(character):04X}"
            raise PydanticCustomError("name_unreadable", "a name holds no control characters ({code})", {"code": code})
    if not any(map(_is_seen, name)):
        raise PydanticCustomError("name_blank", "a name shows at least one character")
    return name


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in {"Zs", "Cf", "Mn", "Me", "Cn"} and character not in _BLANKS
