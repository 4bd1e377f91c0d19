"""A device's side of MQTT 3.1.1 (OASIS standard, 2014), so small that one process carries ten thousand."""
