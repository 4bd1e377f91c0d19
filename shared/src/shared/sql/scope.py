"""The scope of one request or message on SQL: one unit of work, and the services made on it when asked for."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from shared.errors import ServiceUnavailable
from shared.http.openapi import StoreErrors
from shared.http.scope import Scopes
from shared.sql.unit_of_work import Conflicted, UnitOfWork, Units, Unstorable

T = TypeVar("T")

Recipes = Mapping[type[Any], Callable[["UnitScope"], Any]]
"""How each service is made from its scope. `bootstrap` writes it."""

SQL_ERRORS = StoreErrors(always=(ServiceUnavailable,), given=(Unstorable,), changing=(Conflicted,))
"""What a unit of work raises by itself."""


class UnitScope:
    def __init__(self, unit: UnitOfWork, recipes: Recipes) -> None:
        self.unit = unit
        self._recipes = recipes
        self._made: dict[type[Any], Any] = {UnitOfWork: unit}

    def get(self, kind: type[T]) -> T:
        """The one service of this kind in this scope. Raises KeyError for one without a recipe."""
        if kind not in self._made:
            self._made[kind] = self._recipes[kind](self)
        return cast("T", self._made[kind])


def unit_scopes(units: Units, recipes: Recipes) -> Scopes:
    @asynccontextmanager
    async def scopes() -> AsyncGenerator[UnitScope]:
        async with units.begin() as unit:
            yield UnitScope(unit, recipes)

    return scopes
