"""The copy of organizations: how long each keeps its telemetry, learned from device-management's events alone."""
