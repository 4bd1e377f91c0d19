"""Devices: what is registered, in which state, and with which credentials it may log in."""
