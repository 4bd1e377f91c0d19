import pytest

from shared.rpc.calls import host_of


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("ipv4:192.0.2.1:4711", "192.0.2.1"),
        ("ipv6:%5B2001:db8::1%5D:4711", "2001:db8::1"),
        ("ipv6:[::1]:4711", "::1"),
        ("unix:", ""),
    ],
)
def test_the_host_of_a_peer_is_without_its_port(peer, host):
    assert host_of(peer) == host
