"""Test support that needs no server of its own."""
