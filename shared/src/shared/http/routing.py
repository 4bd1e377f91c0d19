"""Paths of which a fixed word could be taken for an id."""

from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope


class FixedWord(APIRoute):
    """The only route of its path: other methods are refused here with 405.

    Otherwise they go on to a later route, to which the word is an id that has not the shape of one.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        return (Match.FULL if match is Match.PARTIAL else match), child_scope
