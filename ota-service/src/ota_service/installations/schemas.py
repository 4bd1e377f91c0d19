"""What is known of a firmware on a device, and what an update says of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Installed:
    """`firmware_id` is on the device, whether or not it has proved itself; `confirmed_id` is the last that did."""

    firmware_id: int
    version: str
    release_counter: int
    confirmed_id: int | None


@dataclass(frozen=True)
class Brought:
    """What the session with that counter has put on a device; `confirmed` once the device runs it."""

    organization_id: int
    device_uid: str
    firmware_name: str
    firmware_id: int
    version: str
    release_counter: int
    session_counter: int
    confirmed: bool
