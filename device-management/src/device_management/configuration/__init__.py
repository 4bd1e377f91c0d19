"""Configuration: what a device is to be set to, what it reports, and where they differ."""
