"""Firmware: uploaded as a stream, hashed, approved, and served exactly as it was signed."""
