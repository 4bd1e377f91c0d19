"""Device tokens: issued, rotated with an overlap, revoked."""
