"""A device's side of an update: what it believes, what it downloads, what it says. The platform is not trusted."""
