"""monitoring: what devices report, whether they are connected, and both of it live."""
