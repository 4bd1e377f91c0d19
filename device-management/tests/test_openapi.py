"""The OpenAPI document; that answers keep to it is checked in every test, see `shared.testing.documented`."""

from shared.testing.documented import flaws, lax, unheard


def test_every_operation_has_an_id_and_every_refusal_is_a_problem(app):
    assert flaws(app.openapi()) == []


def test_every_error_is_documented_by_some_route(app):
    assert unheard(app) == set()


def test_what_creates_a_thing_links_to_all_that_takes_its_id(app):
    paths = app.openapi()["paths"]
    links = paths["/api/v2/groups"]["post"]["responses"]["201"]["links"]
    assert links["groups_change"]["parameters"] == {"group_id": "$response.body#/id"}
    links = paths["/api/v2/devices/{id_or_uid}/actions"]["post"]["responses"]["202"]["links"]
    of_both = {"id_or_uid": "$request.path.id_or_uid", "action_id": "$response.body#/action_id"}
    assert links == {"actions_status": {"operationId": "actions_status", "parameters": of_both}}


def test_no_text_passes_for_a_boolean_in_a_body_and_no_boolean_for_a_number(app):
    assert lax(app) == []
