"""The paths of the Direct Device Integration, below `/{tenant}/controller/v1`.

Source: Eclipse hawkBit, "Direct Device Integration API". Clients build some of these addresses themselves.
"""

from hashlib import sha256
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ValidationError

from ota_service.ddi.errors import ArtifactNotFound, NotAcceptable, NotAdmitted, UnreadableBody, UnsupportedMediaType
from ota_service.ddi.rules import as_clock, chunk, history_status, when
from ota_service.ddi.schemas import (
    ActionHistory,
    AutoConfirm,
    Base,
    Caller,
    CancelAction,
    Config,
    ConfigData,
    ConfirmationAction,
    ConfirmationBase,
    ConfirmationFeedback,
    Deployment,
    DeploymentBase,
    Feedback,
    Link,
    Offered,
    Polling,
    StopId,
)
from ota_service.ddi.service import Action, DdiService
from ota_service.firmware.schemas import Wanted
from shared.http.principal import authenticate_for_device
from shared.http.scope import use
from shared.tokens import Audience

_HAL, _JSON = "application/hal+json", "application/json"
_KINDS = {"targettoken": Audience.DEVICE, "gatewaytoken": Audience.GATEWAY}
_MD5SUM = ".MD5SUM"
MOST_HISTORY = 100

M = TypeVar("M", bound=BaseModel)

router = APIRouter(prefix="/{controller_id}")

Ddi = Annotated[DdiService, use(DdiService)]


async def admitted(request: Request, tenant: Annotated[str, Path()], controller_id: str, ddi: Ddi) -> Caller:
    """The device of the path, for which its own token or a gateway's speaks. Raises NotAdmitted and TargetNotFound."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    audience = _KINDS.get(kind.lower())
    if audience is None:
        raise NotAdmitted
    who = authenticate_for_device(request.app.state.keys, token.strip(), controller_id, audience)
    return await ddi.admit(who, tenant, controller_id)


Device = Annotated[Caller, Depends(admitted, scope="function")]


@router.get("")
async def base(request: Request, device: Device, ddi: Ddi) -> Response:
    """What waits, what was installed last, and when to ask again."""
    found = await ddi.poll(device)
    here = _address(request)
    links: dict[str, Link] = {}
    if found.offer is not None:
        query = "" if found.offer.kind == Offered.CANCEL else f"?c={found.offer.checksum}"
        links[found.offer.kind] = Link(href=f"{here}/{found.offer.kind}/{found.offer.action}{query}")
    if found.installed is not None:
        links["installedBase"] = Link(href=f"{here}/installedBase/{found.installed}")
    if found.attributes_wanted:
        links["configData"] = Link(href=f"{here}/configData")
    config = Config(polling=Polling(sleep=as_clock(found.seconds)))
    return _answer(request, Base(config=config, links=links or None).encode())


@router.put("/configData")
async def config_data(request: Request, device: Device, ddi: Ddi) -> Response:
    """What the device says of itself."""
    await ddi.put_attributes(device, await _body(request, ConfigData))
    return Response()


@router.get("/deploymentBase/{action}")
async def deployment(request: Request, action: str, device: Device, ddi: Ddi) -> Response:
    """What is to be installed, and where it is."""
    found = await ddi.deployment(device, action, reports=_history(request))
    return _answer(request, _deployment(request, found).encode())


@router.post("/deploymentBase/{action}/feedback")
async def deployment_feedback(request: Request, action: str, device: Device, ddi: Ddi) -> Response:
    """How it goes, and how it went."""
    await ddi.report(device, action, await _body(request, Feedback))
    return Response()


@router.get("/installedBase/{action}")
async def installed(request: Request, action: str, device: Device, ddi: Ddi) -> Response:
    """What was installed."""
    found = await ddi.installed(device, action, reports=_history(request))
    return _answer(request, _deployment(request, found).encode())


@router.get("/cancelAction/{action}")
async def cancellation(request: Request, action: str, device: Device, ddi: Ddi) -> Response:
    """What is to be stopped."""
    number = str(await ddi.cancellation(device, action))
    return _answer(request, CancelAction(id=number, cancel_action=StopId(stop_id=number)).encode())


@router.post("/cancelAction/{action}/feedback")
async def cancellation_feedback(request: Request, action: str, device: Device, ddi: Ddi) -> Response:
    """Whether it stops."""
    await ddi.report_cancellation(device, action, await _body(request, Feedback))
    return Response()


@router.get("/confirmationBase")
async def confirmation_base(request: Request, device: Device, ddi: Ddi) -> Response:
    """Whether the device consents beforehand, and what waits for its consent."""
    waiting = await ddi.confirmations(device)
    here = f"{_address(request)}/confirmationBase"
    verb = "deactivateAutoConfirm" if device.auto_confirm else "activateAutoConfirm"
    links = {verb: Link(href=f"{here}/{verb}")}
    if waiting is not None:
        links["confirmationBase"] = Link(href=f"{here}/{waiting.action}?c={waiting.checksum}")
    return _answer(
        request, ConfirmationBase(auto_confirm=AutoConfirm(active=device.auto_confirm), links=links).encode()
    )


@router.post("/confirmationBase/activateAutoConfirm")
async def activate_auto_confirm(device: Device, ddi: Ddi) -> Response:
    """From now on updates need not ask."""
    await ddi.set_auto_confirm(device, active=True)
    return Response()


@router.post("/confirmationBase/deactivateAutoConfirm")
async def deactivate_auto_confirm(device: Device, ddi: Ddi) -> Response:
    """From now on updates that ask wait for the answer."""
    await ddi.set_auto_confirm(device, active=False)
    return Response()


@router.get("/confirmationBase/{action}")
async def confirmation(request: Request, action: str, device: Device, ddi: Ddi) -> Response:
    """What the user is asked to consent to."""
    found = await ddi.confirmation(device, action, reports=_history(request))
    body = ConfirmationAction(
        id=str(found.session.counter), confirmation=_content(request, found), action_history=_past(request, found)
    )
    return _answer(request, body.encode())


@router.post("/confirmationBase/{action}/feedback")
async def confirmation_feedback(request: Request, action: str, device: Device, ddi: Ddi) -> Response:
    """The user's decision."""
    await ddi.report_confirmation(device, action, await _body(request, ConfirmationFeedback))
    return Response()


@router.head("/softwaremodules/{module}/artifacts/{filename}")
@router.get("/softwaremodules/{module}/artifacts/{filename}")
async def artifact(request: Request, module: str, filename: str, device: Device, ddi: Ddi) -> Response:
    """A file of the open action, or a range of it. `<filename>.MD5SUM` is its digest as `md5sum` writes it."""
    try:
        wanted = Wanted.of(request.method, request.headers)
        found = await ddi.artifact(device, module, filename, wanted)
    except ArtifactNotFound:
        if not filename.endswith(_MD5SUM):
            raise
        digest = await ddi.md5(device, module, filename.removesuffix(_MD5SUM))
        return _unless_known(request, digest.encode(), "text/plain; charset=utf-8", vary={})
    headers = {**found.headers, "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(found.chunks, found.status, headers)


def _deployment(request: Request, action: Action) -> DeploymentBase:
    return DeploymentBase(
        id=str(action.session.counter), deployment=_content(request, action), action_history=_past(request, action)
    )


def _content(request: Request, action: Action) -> Deployment:
    here = _address(request)
    several = len(action.firmware) > 1
    chunks = [chunk(here, firmware, part="bApp" if several else "os") for firmware in action.firmware]
    return Deployment(download="forced", chunks=chunks, **when(window_is_open=action.window_is_open))


def _past(request: Request, action: Action) -> ActionHistory | None:
    if not _history(request):
        return None
    messages = [line for report in action.reports for line in reversed(report.details)]
    return ActionHistory(status=history_status(action.session.state), messages=messages)


def _history(request: Request) -> int:
    """How many reports are asked for: all there are for -1, none for what is no number."""
    asked = request.query_params.get("actionHistory", "0")
    if asked == "-1":
        return MOST_HISTORY
    return min(MOST_HISTORY, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0


def _address(request: Request) -> str:
    """The device's own address, as the client has written it."""
    names = request.path_params
    return f"{request.url.scheme}://{request.url.netloc}/{names['tenant']}/controller/v1/{names['controller_id']}"


def _answer(request: Request, body: bytes) -> Response:
    """The document in the wanted media type, or 304 when the client has it already. Raises NotAcceptable."""
    return _unless_known(request, body, _negotiated(request.headers.get("accept")), vary={"Vary": "Accept"})


def _unless_known(request: Request, body: bytes, media_type: str, *, vary: dict[str, str]) -> Response:
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", **vary}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def _negotiated(accept: str | None) -> str:
    ranges = {part.partition(";")[0].strip().lower() for part in (accept or "*/*").split(",")}
    if ranges & {_HAL, "*/*", "application/*"} and not (_JSON in ranges and _HAL not in ranges):
        return _HAL
    if _JSON in ranges:
        return _JSON
    raise NotAcceptable


async def _body(request: Request, shape: type[M]) -> M:
    """Raises UnsupportedMediaType, UnreadableBody."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in {_HAL, _JSON}:
        raise UnsupportedMediaType
    try:
        return shape.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UnreadableBody(f"{place}: {first['msg']}" if place else first["msg"]) from None
