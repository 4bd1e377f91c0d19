"""What people may do: scopes, the roles that are built in, and those an organization makes for itself."""
