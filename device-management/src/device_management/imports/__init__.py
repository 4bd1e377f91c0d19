"""Many devices from a file and to one: imports as durable jobs, exports as streams."""
