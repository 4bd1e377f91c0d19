"""Updates of devices: the newest session of each, learned from ota-service's events alone."""
