"""Signs of life: that devices were heard of over HTTP, from the services that heard them, for presence.

They travel over the exchange of live frames and are worth nothing when late: one that is lost is followed by another.
"""

import msgspec

SIGNS_KEY = "signs"


class Signs(msgspec.Struct, frozen=True):
    """Devices that were heard of until `at` (epoch milliseconds), each with for how many seconds that is good.

    None leaves that to presence.
    """

    at: int
    heard: dict[str, int | None]
