"""The driver's errors are those of a statement of the session."""

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - asyncpg ships no types
import pytest
from sqlalchemy.exc import DBAPIError

from shared.sql.driver import driver_errors


class Driver:
    terminated = False

    def is_closed(self) -> bool:
        return self.terminated

    def terminate(self) -> None:
        self.terminated = True


def test_a_driver_that_has_lost_its_way_is_a_connection_that_is_lost_and_is_not_used_again():
    """It says so where the server has taken leave and the end of the connection has not arrived."""
    driver = Driver()
    with pytest.raises(DBAPIError) as raised, driver_errors(driver, "copy pairs"):
        raise asyncpg.InternalClientError("cannot switch to state 21; another operation (2) is in progress")
    assert raised.value.connection_invalidated
    assert driver.is_closed()
