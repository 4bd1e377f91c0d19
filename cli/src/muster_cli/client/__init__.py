"""The platform's REST interface, typed. A program may use it by itself: it prints nothing and reads no settings.

A module for each subject, with its shapes above its calls; members that a shape does not know are ignored.
"""

from muster_cli.client.platform import MusterClient

__all__ = ["MusterClient"]
