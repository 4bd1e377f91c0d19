"""Answers that are no success, as one line."""

import re
from pathlib import Path

import httpx
import pytest

from muster_cli import problems
from muster_cli.errors import Refused, Unreachable

REQUEST = httpx.Request("GET", "http://platform.example:8000/api/v2/devices")


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_gateway_without_its_service_points_to_what_is_not_up(status):
    error = problems.from_response(httpx.Response(status, html="<h1>Bad Gateway</h1>", request=REQUEST))
    assert isinstance(error, Unreachable)
    assert str(error) == f"http://platform.example:8000 answered {status}; see what is not up with `make status`"


def test_another_kind_of_server_is_told_apart():
    error = problems.from_response(httpx.Response(404, html="<h1>Not found</h1>", request=REQUEST))
    assert isinstance(error, Refused)
    assert str(error) == "http://platform.example:8000 does not answer as Muster does (http_404); check --server"


def test_being_asked_to_wait_is_passed_on():
    body = {"code": "rate_limited", "detail": "too many requests"}
    error = problems.from_response(httpx.Response(429, json=body, headers={"Retry-After": "7"}, request=REQUEST))
    assert str(error) == "too many requests (rate_limited); try again in 7 s"


def test_a_detail_of_several_lines_stays_one_line():
    body = {"code": "odd", "detail": "first\nsecond\r\n third"}
    assert str(problems.from_response(httpx.Response(400, json=body, request=REQUEST))) == "first second third (odd)"


@pytest.mark.parametrize(
    ("status", "code", "step"),
    [
        (401, "invalid_token", "`muster login` again, or check --email and --password"),
        (403, "missing_scope", "ask an administrator for the scope"),
        (404, "device_not_found", "`muster devices list` shows those there are"),
        (409, "update_session_open", "`muster updates list` shows it"),
    ],
)
def test_a_refusal_says_what_to_do(status, code, step):
    error = problems.from_response(httpx.Response(status, json={"code": code, "detail": "no"}, request=REQUEST))
    assert (type(error), error.exit_code) == (Refused, 1)
    assert str(error) == f"no ({code}); {step}"


def test_every_next_step_is_for_a_code_that_the_platform_has():
    sources = Path(__file__).parents[2].glob("*/src/**/*.py")
    codes = {code for file in sources for code in re.findall(r'\bcode(?:: [\w\[\]]+)? = "(\w+)"', file.read_text())}
    assert "device_not_found" in codes
    assert problems._NEXT_STEPS.keys() <= codes
