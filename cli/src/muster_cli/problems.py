"""Turns an answer that is no success into one line with the next step."""

import httpx
from pydantic import BaseModel, ValidationError

from muster_cli.errors import CommandError, Refused, Unreachable

FIND_FIRMWARE = "`muster firmware list` shows what there is"

_NEXT_STEPS = {
    "action_not_found": "`muster actions list` shows those there are",
    "device_not_found": "`muster devices list` shows those there are",
    "alert_not_found": "`muster alerts list` shows those there are",
    "alert_rule_not_found": "`muster alerts rules list` shows those there are",
    "bad_query": "see https://eclipse.dev/ditto/basic-rql.html",
    "bad_credentials": "check --email and --password (MUSTER_ADMIN_EMAIL, MUSTER_ADMIN_PASSWORD)",
    "job_not_found": "`muster config job list` shows those there are",
    "firmware_not_found": FIND_FIRMWARE,
    "firmware_not_approved": "`muster firmware approve` does it",
    "group_not_found": "`muster groups list` shows those there are",
    "release_not_found": "`muster releases list` shows those there are",
    "gate_closed": "`muster releases retry`, `rollback` or `resume --ignore-failures` does it",
    "release_not_approved": "`muster releases approve` does it",
    "site_not_found": "`muster sites list` shows those there are",
    "slug_taken": "give it another slug in the file",
    "update_session_not_found": "`muster updates list` shows those there are",
    "update_session_open": "`muster updates list` shows it",
    "wrong_transition": "`show` tells its history",
}
_NEXT_STEPS_BY_STATUS = {
    401: "`muster login` again, or check --email and --password",
    403: "ask an administrator for the scope",
}


class _Place(BaseModel):
    location: list[str]
    message: str


class _Problem(BaseModel):
    """A problem document (RFC 9457). `errors` names the places of a body that has the wrong shape."""

    code: str
    detail: str | None = None
    title: str | None = None
    errors: list[_Place] = []


def from_response(response: httpx.Response) -> CommandError:
    """The error for an answer of 400 or above: Unreachable when trying later may help, else Refused."""
    problem = _problem(response)
    status = response.status_code
    server = f"{response.request.url.scheme}://{response.request.url.netloc.decode()}"
    if problem is None:
        if status >= 500:
            return Unreachable(f"{server} answered {status}", "see what is not up with `make status`")
        return Refused(status, f"http_{status}", f"{server} does not answer as Muster does", "check --server")
    message = problem.detail or problem.title or f"the platform answered {status}"
    place: list[str] = []
    if problem.errors:
        place = problem.errors[0].location[1:]
        message = f"{'.'.join(place) or 'the request'}: {problem.errors[0].message}"
    if status >= 500 or status == 429:
        wait = response.headers.get("Retry-After")
        return Unreachable(f"{message} ({problem.code})", f"try again in {wait} s" if wait else "try again")
    return Refused(status, problem.code, message, next_step(problem.code, status), place=place)


def next_step(code: str, status: int) -> str | None:
    """What to do about a refusal, by its stable code, else by its status."""
    return _NEXT_STEPS.get(code) or _NEXT_STEPS_BY_STATUS.get(status)


def from_transport(error: httpx.HTTPError, server: str) -> CommandError:
    """The error for a request that got no answer."""
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"{server} did not answer in time", "see what is not up with `make status`")
    return Unreachable(f"nothing answers at {server}", "start it with `make up`, or name another with --server")


def _problem(response: httpx.Response) -> _Problem | None:
    try:
        return _Problem.model_validate_json(response.content)
    except ValidationError:
        return None
