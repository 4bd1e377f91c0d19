"""The copy of the fleet: what this service knows of devices, learned from device-management's events alone."""
