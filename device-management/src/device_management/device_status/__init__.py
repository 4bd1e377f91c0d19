"""What devices are doing: presence, the firmware on them and the action that runs, as others tell it."""
