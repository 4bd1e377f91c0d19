"""Signed tokens that people hand out: API keys, which speak for their owner, and gateways' tokens."""
