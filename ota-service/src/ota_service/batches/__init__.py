"""Batches: one set of firmware for many devices, frozen when it is made, and what became of each of them."""
