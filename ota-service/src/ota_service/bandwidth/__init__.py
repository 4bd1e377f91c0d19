"""How fast the devices of a site may download: one line, shared by all of them."""
