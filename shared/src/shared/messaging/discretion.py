"""What aiormq logs of messages: never what is in them.

A returned message whose window has given it up, on a broker that answers late, is logged whole by aiormq, and a command
may hold a secret.
"""

import logging

from aiormq.abc import DeliveredMessage


def _without_bodies(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(
            f"<to {one.routing_key}, {len(one.body)} bytes>" if isinstance(one, DeliveredMessage) else one
            for one in record.args
        )
    return True


def keep_bodies_out_of_logs() -> None:
    """For every channel of this process. Doing it again changes nothing."""
    logging.getLogger("aiormq.channel").addFilter(_without_bodies)
