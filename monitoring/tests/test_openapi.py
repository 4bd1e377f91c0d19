"""The OpenAPI document; that answers keep to it is checked in every test, see `shared.testing.documented`."""

import pytest

from monitoring.app import rest
from monitoring.live.sockets import Sockets
from shared.testing.documented import flaws, lax, unheard


@pytest.fixture
def app(settings):
    return rest(settings, Sockets(origins=[], unread=1))


def test_every_operation_has_an_id_and_every_refusal_is_a_problem(app):
    assert flaws(app.openapi()) == []


def test_every_error_is_documented_by_some_route(app):
    by_the_worker_alone = {"BrokerManagementAway"}
    assert unheard(app) == by_the_worker_alone


def test_no_text_passes_for_a_boolean_in_a_body_and_no_boolean_for_a_number(app):
    assert lax(app) == []
