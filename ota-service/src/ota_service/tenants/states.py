"""What this service must know of an organization's state, which is device-management's."""

SUSPENDED = "suspended"
"""Nobody of a suspended organization is let in."""
