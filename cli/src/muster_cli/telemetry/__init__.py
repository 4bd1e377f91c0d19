"""`muster telemetry`: what devices report, as it was and as it comes."""
