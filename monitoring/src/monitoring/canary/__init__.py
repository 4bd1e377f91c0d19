"""Canaries of releases: whether the devices of a wave have become worse than others."""
