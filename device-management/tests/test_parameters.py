"""A query parameter that a route does not have is refused, and not left out."""

from shared.testing.parameters import swallowed


async def test_no_route_takes_a_parameter_that_it_does_not_have(app, anyone):
    assert await swallowed(anyone, app) == []
