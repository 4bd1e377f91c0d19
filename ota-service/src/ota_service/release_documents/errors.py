"""What can be wrong with the document of a release."""

from collections.abc import Sequence
from typing import Any

from shared.errors import DomainError


class ReleaseInvalid(DomainError):
    """The document has the right shape and cannot be carried out; `errors` names every place that is wrong."""

    status = 422
    code = "release_invalid"

    def __init__(self, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__("the release cannot be carried out as it is written", errors=list(errors))
