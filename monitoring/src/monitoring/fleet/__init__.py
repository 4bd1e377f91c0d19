"""The copy of the fleet: what this service knows of devices and groups, by device-management's events alone."""
