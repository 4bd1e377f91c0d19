"""Starts all of Muster on one machine, and gives the tests the same servers in throw-away directories."""
