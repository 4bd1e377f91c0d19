"""When devices were there, and for how much of a time: the history of presence."""
