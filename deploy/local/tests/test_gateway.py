"""The gateway and the services behind it."""

import re

from muster_stack.layout import REPOSITORY
from shared.http.server import KEEP_ALIVE_SECONDS


def test_a_service_keeps_idle_connections_for_longer_than_the_gateway_does():
    template = (REPOSITORY / "deploy" / "gateway" / "nginx.conf.template").read_text()
    upstreams = re.findall(r"upstream \w+ \{.*?\n    \}", template, re.DOTALL)
    assert len(upstreams) == 3
    for upstream in upstreams:
        (seconds,) = re.findall(r"keepalive_timeout (\d+)s;", upstream)
        assert int(seconds) + 10 <= KEEP_ALIVE_SECONDS
