"""Test support that needs no server of its own."""

from shared.testing.credentials import Credentials
from shared.testing.waiting import eventually

__all__ = ["Credentials", "eventually"]
