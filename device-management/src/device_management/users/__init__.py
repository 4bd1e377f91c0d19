"""The people of an organization, as its administrators see them."""
