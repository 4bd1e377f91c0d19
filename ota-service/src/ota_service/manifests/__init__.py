"""What a device may be given, and the signed manifest that says so to the device."""
