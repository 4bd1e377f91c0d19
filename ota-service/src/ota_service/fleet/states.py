"""What this service must know of a device's lifecycle, which is device-management's."""

RETIRED = "retired"
"""A retired device takes part in nothing any more."""
