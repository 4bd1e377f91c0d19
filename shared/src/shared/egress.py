"""Where the platform connects because somebody said so: an address is looked at before, and used as it was looked at.

A host is resolved once and the connection is made to that address, so a name cannot say one thing to the check and
another to the connection (DNS rebinding). Addresses of private, loopback, link-local and other special ranges are
refused unless a network in the settings allows them. Source: OWASP, "Server Side Request Forgery Prevention".
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from shared.errors import DomainError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = ip_network("64:ff9b::/96")
_PUBLIC = ip_network("2000::/3")
"""All of IPv6 that has been given out to the public; Python takes more of it for global. Source: IANA's registry."""

_RESOLVE_S = 5.0


class HostUnknown(DomainError):
    """The name has no address (now)."""

    status = 422
    code = "host_unknown"

    def __init__(self, host: str) -> None:
        super().__init__(f"the host {host} has no address; check its spelling")


class AddressRefused(DomainError):
    """The host is inside: a private, local or otherwise special address that no setting allows."""

    status = 422
    code = "address_refused"

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} has an address in a private or special range; an operator can allow its network")


class Egress:
    """Decides which addresses may be connected to. `allowed` are networks that need not be public."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    async def resolve(self, host: str, port: int) -> str:
        """The address to connect to, as text. Raises HostUnknown, and AddressRefused if any of them is inside."""
        try:
            async with asyncio.timeout(_RESOLVE_S):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError, UnicodeError):
            raise HostUnknown(host) from None
        addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        if not addresses:
            raise HostUnknown(host)
        if not all(map(self._may_connect, addresses)):
            raise AddressRefused(host)
        return str(addresses[0])

    def _may_connect(self, address: Address) -> bool:
        inner = _inner(address)
        public = inner.is_global and not inner.is_multicast and (inner.version == 4 or inner in _PUBLIC)
        return public or any(inner in network for network in self._allowed)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
