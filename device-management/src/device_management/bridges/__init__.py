"""Bridges: the links from the platform to the MQTT brokers of its sites."""
