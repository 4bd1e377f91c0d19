"""Test support that needs no server of its own."""

from types import MappingProxyType

from shared.testing.credentials import Credentials
from shared.testing.waiting import eventually

__all__ = ["UNLIMITED", "Credentials", "eventually"]

UNLIMITED = MappingProxyType(
    {f"{caller}_requests_per_second": 0 for caller in ("person", "device", "gateway", "address")}
)
"""Settings of a service whose tests ask more often than anybody else may."""
