"""What devices are asked to do, and how their configurations stand, learned from device-management's events alone."""
