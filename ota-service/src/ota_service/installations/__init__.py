"""What updates have brought onto each device: how far it has come with every firmware, and what it last ran well."""
