"""Releases: firmware for a fleet in waves, each of which opens when the one before has proved itself."""
