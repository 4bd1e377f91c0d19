"""How many requests each caller may make, counted in this process alone and before anything of the body is read.

A verified token is counted for its bearer, whatever the address; everything else for its address, so that nobody uses
up another's share with a token that is not theirs. `uvicorn` has put the address of the client there, from
`X-Forwarded-For` only where a trusted proxy has sent it.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from types import MappingProxyType

from prometheus_client import Counter
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import DomainError
from shared.http import health
from shared.http.problem import Refuse, refuse
from shared.settings import ServiceSettings
from shared.tokens import Audience, InvalidToken, KeyRing

BURST_S = 10
"""A caller who was quiet for so long may make what it did not use all at once."""

_MOST_CALLERS = 50_000
_NETWORK_BYTES = 8
"""Of an IPv6 address: a /64 is what one customer gets."""

_REFUSED = Counter("muster_http_rate_limited_total", "Requests refused because their caller made too many", ["callers"])


class TooManyRequests(DomainError):
    """The caller makes too many requests."""

    status = 429
    code = "too_many_requests"


class Rate:
    """So many requests a second for each caller, by the generic cell rate algorithm: one number a caller.

    The number is the moment at which the caller's burst is whole again. The callers that were quiet longest are
    forgotten beyond `most_callers`, which costs nothing but a burst. A rate of 0 lets everything through.
    """

    def __init__(
        self, per_second: float, *, most_callers: int = _MOST_CALLERS, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._burst = max(1.0, per_second * BURST_S) * self._interval
        self._most_callers = most_callers
        self._ticks = ticks
        self._whole_at: OrderedDict[str, float] = OrderedDict()

    def take(self, caller: str) -> float:
        """Seconds until the caller's next request may come; 0 when this one may, and then it is counted."""
        if not self._interval:
            return 0.0
        now = self._ticks()
        whole_at = max(self._whole_at.get(caller, now), now) + self._interval
        wait = whole_at - now - self._burst
        # A billionth of a second is the error of some thousand additions, and nobody's advantage.
        if wait <= 1e-9:
            self._whole_at[caller] = whole_at
            wait = 0.0
        self._whole_at.move_to_end(caller)
        if len(self._whole_at) > self._most_callers:
            self._whole_at.popitem(last=False)
        return wait

    def __len__(self) -> int:
        """How many callers are remembered."""
        return len(self._whole_at)


@dataclass(frozen=True)
class Rates:
    """Each kind of caller has a rate of its own, so that none starves another."""

    people: Rate
    devices: Rate
    gateways: Rate
    addresses: Rate

    @classmethod
    def of(cls, settings: ServiceSettings) -> "Rates":
        return cls(
            people=Rate(settings.person_requests_per_second),
            devices=Rate(settings.device_requests_per_second),
            gateways=Rate(settings.gateway_requests_per_second),
            addresses=Rate(settings.address_requests_per_second),
        )

    def take(self, keys: KeyRing, token: str | None, host: str) -> float:
        """Counts a request of the bearer of `token`, or of `host` when it is not valid; as `Rate.take`."""
        kind, rate, caller = self._caller(keys, token, host)
        wait = rate.take(caller)
        if wait:
            _REFUSED.labels(kind).inc()
        return wait

    def _caller(self, keys: KeyRing, token: str | None, host: str) -> tuple[str, Rate, str]:
        if token is None:
            return "addresses", self.addresses, _network(host)
        try:
            claims = keys.verify(token, *Audience)
        except InvalidToken:
            return "addresses", self.addresses, _network(host)
        if claims.audience is Audience.DEVICE:
            return "devices", self.devices, claims.subject
        if claims.audience is Audience.GATEWAY:
            return "gateways", self.gateways, claims.subject
        # A person has one share for all sign-ins, and each API key one of its own.
        caller = claims.token_id if claims.session is None else f"{claims.organization_id}/{claims.subject}"
        return "people", self.people, caller


class RateLimit:
    """Answers 429 `too_many_requests` with Retry-After to callers beyond their rate.

    `by_path` holds the rates of paths, exactly as requested, that are counted by address whoever calls;
    what begins with one of `unlimited`, or tells of health, is not counted. Reads the keys from `app.state.keys`.
    """

    def __init__(
        self,
        app: ASGIApp,
        rates: Rates,
        *,
        by_path: Mapping[str, Rate] = MappingProxyType({}),
        unlimited: tuple[str, ...] = (),
        refuse: Refuse = refuse,
    ) -> None:
        self._app = app
        self._refuse = refuse
        self._rates = rates
        self._by_path = by_path
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in health.PATHS or scope["path"].startswith(self._unlimited):
            await self._app(scope, receive, send)
            return
        wait = self._wait(scope)
        if not wait:
            await self._app(scope, receive, send)
            return
        seconds = math.ceil(wait)
        answer = self._refuse(
            scope["path"],
            TooManyRequests.status,
            TooManyRequests.code,
            f"too many requests; try again in {seconds} s",
            {"Retry-After": str(seconds)},
        )
        await answer(scope, receive, send)

    def _wait(self, scope: Scope) -> float:
        host: str = scope["client"][0] if scope.get("client") else ""
        own = self._by_path.get(scope["path"])
        if own is None:
            return self._rates.take(scope["app"].state.keys, _token(scope), host)
        wait = own.take(_network(host))
        if wait:
            _REFUSED.labels("paths").inc()
        return wait


def _token(scope: Scope) -> str | None:
    """Of whatever scheme: device clients of other protocols have words of their own for it."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            return value.partition(b" ")[2].strip().decode("latin-1") or None
    return None


def _network(host: str) -> str:
    """The client's address, of IPv6 its network; a client without one shares the empty name with its like."""
    if ":" not in host:
        return host
    try:
        address = IPv6Address(host)
    except AddressValueError:
        return host
    return str(address.ipv4_mapped) if address.ipv4_mapped else address.packed[:_NETWORK_BYTES].hex()
