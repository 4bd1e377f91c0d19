"""ota-service: firmware, update sessions and releases. So far it keeps its copy of the fleet."""
