"""The way out: a POST to an address that was looked at, within a time, reading little of the answer."""

import asyncio
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import httpx

from device_management.webhooks.models import Target
from shared.egress import Egress

_WHOLE_S = 15.0
_ANSWER_BYTES = 500


class Unanswered(Exception):
    """There was no answer; the message says why, in few words."""


def client(*, verify: ssl.SSLContext | bool = True) -> httpx.AsyncClient:
    """Follows no redirect, for where it leads has not been looked at, and no proxy, which would look up names anew.

    Each request has a connection of its own: kept ones are known by their address alone, and TLS has verified one for
    a single name of those that an address may have.
    """
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=0)
    return httpx.AsyncClient(timeout=10, follow_redirects=False, trust_env=False, verify=verify, limits=limits)


class Receivers:
    """`client` is made as `client()` does."""

    def __init__(self, client: httpx.AsyncClient, egress: Egress) -> None:
        self._client = client
        self._egress = egress

    async def check(self, target: Target) -> None:
        """Raises HostUnknown and AddressRefused for a target that nothing would be sent to."""
        await self._egress.resolve(target.host, target.port)

    async def post(self, target: Target, body: str, headers: Mapping[str, str]) -> tuple[int, str]:
        """The status, and how the answer begins. Raises Unanswered, and what `check` raises."""
        address = await self._egress.resolve(target.host, target.port)
        parts = urlsplit(target.url)
        netloc = f"[{address}]:{target.port}" if ":" in address else f"{address}:{target.port}"
        try:
            async with (
                asyncio.timeout(_WHOLE_S),
                self._client.stream(
                    "POST",
                    urlunsplit(parts._replace(netloc=netloc)),
                    content=body.encode(),
                    headers={**headers, "Host": _ascii(parts.netloc), "Content-Type": "application/json"},
                    extensions={"sni_hostname": _ascii(target.host)},
                ) as response,
            ):
                return response.status_code, await _beginning(response)
        except TimeoutError:
            raise Unanswered(f"no whole answer within {_WHOLE_S:.0f} s") from None
        except httpx.HTTPError as error:
            raise Unanswered(f"{type(error).__name__}: {error}"[:200]) from None


def _ascii(netloc: str) -> str:
    """A host as it stands in a header, its letters beyond ASCII as in the DNS (RFC 3490)."""
    return netloc.encode("idna").decode()


async def _beginning(response: httpx.Response) -> str:
    read = b""
    async for chunk in response.aiter_raw():
        read += chunk[: _ANSWER_BYTES - len(read)]
        if len(read) >= _ANSWER_BYTES:
            break
    return read.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
