"""Groups of devices: fixed ones with members, and queries whose members are whatever they find now."""
