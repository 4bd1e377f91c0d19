"""PostgreSQL: the engine, and the unit of work: what a request or a message changes is one transaction."""
