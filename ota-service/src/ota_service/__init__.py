"""ota-service: firmware, update sessions and releases."""
