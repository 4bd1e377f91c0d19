"""Who is let in no longer: written down here, and told to the other services."""
