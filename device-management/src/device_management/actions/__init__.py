"""Actions: what devices are asked to do, one at a time on each, and what became of it."""
