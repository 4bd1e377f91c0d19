"""A query parameter that a route does not have is refused, and not left out."""

from monitoring.app import rest
from monitoring.live.sockets import Sockets
from shared.testing.parameters import swallowed


async def test_no_route_takes_a_parameter_that_it_does_not_have(settings, anyone):
    assert await swallowed(anyone, rest(settings, Sockets(origins=[], unread=1))) == []
