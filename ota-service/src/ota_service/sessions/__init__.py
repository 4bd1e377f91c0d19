"""Update sessions: one device and one firmware, from the announcement to the new version or the reason why not."""
