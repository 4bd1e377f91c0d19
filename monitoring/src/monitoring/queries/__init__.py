"""Questions about telemetry of many devices: series, statistics and rankings, at the resolution that fits."""
