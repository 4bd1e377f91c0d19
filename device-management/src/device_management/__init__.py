"""device-management: organizations, people and their tokens, devices, and who may use the broker."""
