"""Webhooks: what happens on the platform, sent to addresses that people name, signed, retried, and on record."""
