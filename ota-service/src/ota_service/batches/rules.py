"""What is known of a device when it is chosen for a batch, in words."""

DETAILS = {
    "device_not_found": "there is no such device, or the copy of the fleet has none of it yet",
    "retired": "the device is retired",
    "updates_disabled": "updates are disabled for the device",
    "hardware_mismatch": "the firmware is for other hardware",
    "previous_firmware_unknown": "it is not known what the device ran before",
}
"""By reason. What its session says of a device later has its own words."""
