"""Scenarios: what a person writes in a file, checked, as the devices of a fleet."""
