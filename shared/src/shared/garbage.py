"""Python's garbage collector in a process that serves.

Most memory is freed by reference counts at once; the collector looks for the rest, cycles, each time a few hundred more
containers are alive. While thousands of rows become objects that is time and again, with everything that was loaded at
the start walked through each time: half of the processor time of a large request.
"""

import gc

_NEW_CONTAINERS = 50_000
"""Cycles among this many wait for the next look, some tens of MB at the worst."""


def collect_rarely() -> None:
    """For the start of a process, when what lasts as long as it has been loaded: that is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_CONTAINERS, 20, 20)
