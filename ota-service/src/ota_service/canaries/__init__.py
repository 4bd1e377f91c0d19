"""Canaries of waves: what monitoring is asked of their devices, and what it has answered."""
