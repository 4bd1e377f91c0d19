from ipaddress import ip_address, ip_network

import pytest

from shared.egress import AddressRefused, Egress, HostUnknown

INSIDE = [
    "127.0.0.1",
    "10.1.2.3",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "224.0.0.1",
    "::1",
    "fe80::1",
    "fd00::1",
    "::ffff:10.1.2.3",
    "64:ff9b::a01:203",
    "2002:a01:203::1",
    "64:ff9b:1::a01:203",
    "fec0::1",
    "localhost",
]


@pytest.mark.parametrize("host", INSIDE)
async def test_an_address_inside_is_refused(host):
    with pytest.raises(AddressRefused):
        await Egress().resolve(host, 1883)


@pytest.mark.parametrize("host", ["93.184.215.14", "2606:2800:220:1::1"])
async def test_a_public_address_is_used_as_it_is(host):
    assert await Egress().resolve(host, 443) == host


async def test_a_network_in_the_settings_is_allowed_and_its_neighbours_are_not():
    egress = Egress([ip_network("10.1.0.0/16")])
    assert await egress.resolve("10.1.2.3", 1883) == "10.1.2.3"
    mapped = "::ffff:10.1.2.3"
    assert ip_address(await egress.resolve(mapped, 1883)) == ip_address(mapped)
    with pytest.raises(AddressRefused):
        await egress.resolve("10.2.2.3", 1883)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a..b", "x" * 300, "exa mple"])
async def test_a_host_without_an_address_says_so(host):
    with pytest.raises(HostUnknown):
        await Egress().resolve(host, 1883)
