"""Mass configuration: many devices set alike, as a durable job that any worker carries on."""
