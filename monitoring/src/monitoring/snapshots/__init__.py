"""What people who begin to watch are told first: how everything of a topic stands."""
