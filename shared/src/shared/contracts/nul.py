"""NUL in text: PostgreSQL's text and jsonb do not hold it."""

import re

_ESCAPE = b"\\u0000"
_WRITTEN = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def holds_nul(written: bytes) -> bool:
    """Whether a text of this JSON holds NUL; a backslash and `u0000` as they stand are six other characters."""
    return _ESCAPE in written and _WRITTEN.search(written) is not None
