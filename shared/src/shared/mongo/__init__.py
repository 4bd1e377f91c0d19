"""MongoDB: the client with its limits, its errors in our words, and leases by the database's clock."""
