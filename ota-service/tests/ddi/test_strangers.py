"""Every path of the protocol: nothing of another organization or device is told or changed, and no input breaks it."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ota_service.ddi.api import application
from ota_service.ddi.device_api import router
from shared.testing.tenancy import operations

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_status = st.fixed_dictionaries(
    {},
    optional={
        "execution": st.sampled_from(["closed", "proceeding", "canceled", "rejected", "download", "x"]) | _json,
        "result": st.fixed_dictionaries(
            {}, optional={"finished": st.sampled_from(["success", "failure", "none"]) | _json, "progress": _json}
        )
        | _json,
        "code": _json,
        "details": st.lists(_json, max_size=5) | _json,
    },
)
_bodies = (
    st.fixed_dictionaries(
        {}, optional={"status": _status, "data": _json, "mode": _json, "confirmation": _json, "id": _json}
    )
    | _json
)


def paths(action: Any, module: Any) -> list[tuple[str, str]]:
    """Every operation there is, with method and path below a device's own address."""
    found = operations(application(router).openapi())
    assert len(found) == 13
    return [
        (
            one.method.upper(),
            one.path.removeprefix("/{controller_id}")
            .replace("{action}", str(action))
            .replace("{module}", str(module))
            .replace("{filename}", "edge.bin"),
        )
        for one in found
    ]


async def rows(sql) -> list[str]:
    found: list[str] = []
    for table in ("update_sessions", "ddi_targets", "ddi_feedbacks", "session_reports", "outbox", "device_commands"):
        found += [row[0] for row in await sql.fetch(f"select to_jsonb(t)::text from {table} t")]  # noqa: S608
    return sorted(found)


async def test_only_who_speaks_for_a_device_reaches_it(update, target, credentials, sql):
    before = await rows(sql)
    strangers = {
        "another device": f"TargetToken {credentials.device('pump-2')}",
        "a device of the name elsewhere": f"TargetToken {credentials.device('pump-1', organization_id=2)}",
        "a gateway elsewhere": f"GatewayToken {credentials.gateway(organization_id=2)}",
        "a person": f"TargetToken {credentials.person('updates:write')}",
        "nobody": " ",
    }
    for who, authorization in strangers.items():
        for slug in ("acme", "other"):
            speaking = target(slug=slug, authorization=authorization)
            for method, path in paths(update.action, update.firmware.id):
                if who == "a device of the name elsewhere" and slug == "other":
                    continue
                if who == "a gateway elsewhere" and slug == "other":
                    continue
                answer = await speaking.http.request(method, f"{speaking.path}{path}")
                assert (answer.status_code, answer.content) == (401, b""), (who, slug, method, path)
    assert await rows(sql) == before


async def test_to_a_gateway_another_organizations_device_is_as_one_that_nobody_has(update, target, credentials, sql):
    before = [row for row in await rows(sql) if '"organization_id": 1' in row]
    gateway = f"GatewayToken {credentials.gateway(organization_id=2)}"
    theirs, nobodys = (target(uid, slug="other", authorization=gateway) for uid in ("pump-1", "pump-9"))
    for method, path in paths(update.action, update.firmware.id):
        headers = {"Content-Type": "application/json"}
        body = b'{"status": {"execution": "closed", "result": {"finished": "success"}}, "data": {"a": "b"}}'
        answers = [
            await one.http.request(method, f"{one.path}{path}", content=body, headers=headers)
            for one in (theirs, nobodys)
        ]
        assert answers[0].status_code == answers[1].status_code
        assert answers[0].content == answers[1].content
    assert [row for row in await rows(sql) if '"organization_id": 1' in row] == before


@pytest.mark.parametrize("method", ["PUT", "POST"])
@given(data=st.data())
@hypothesis_settings(max_examples=40)
async def test_no_body_breaks_anything(update, method, data):
    writing = [path for verb, path in paths(update.action, update.firmware.id) if verb == method]
    path = data.draw(st.sampled_from(writing))
    content_type = data.draw(st.sampled_from(["application/json", "application/hal+json", "text/plain", "é"]))
    request: dict[str, Any] = {"headers": {"Content-Type": content_type.encode()}}
    if data.draw(st.booleans()):
        request["content"] = data.draw(st.binary(max_size=200))
    else:
        request["content"] = json.dumps(data.draw(_bodies)).encode()
    answer = await update.target.http.request(method, f"{update.target.path}{path}", **request)
    assert answer.status_code < 500, (path, request, answer.text)


@given(
    action=st.text(max_size=30),
    headers=st.fixed_dictionaries(
        {},
        optional={
            name: st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)
            for name in ("Accept", "If-None-Match", "Range", "If-Range", "Authorization")
        },
    ),
    query=st.dictionaries(st.sampled_from(["c", "actionHistory"]), st.text(max_size=20)),
)
@hypothesis_settings(max_examples=60)
async def test_no_path_header_or_query_breaks_anything(update, action, headers, query):
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    here = f"/softwaremodules/{update.firmware.id}/artifacts/"
    for path in (f"/deploymentBase/{quote(action, safe='')}", f"{here}edge.bin", f"{here}{quote(action, safe='')}"):
        answer = await update.target.get(path, headers=encoded, params=query)
        assert answer.status_code < 500, (path, headers, query, answer.text)
