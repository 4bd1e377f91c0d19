"""Whether devices are connected to the broker: a copy of monitoring's presence."""
