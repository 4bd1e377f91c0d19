"""The copy of the organizations: their slugs, which paths of device clients name, their states and settings.

Learned from device-management's events alone.
"""
