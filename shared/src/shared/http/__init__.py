"""The front door every service has: problem details, principals, pages, idempotency, health."""
