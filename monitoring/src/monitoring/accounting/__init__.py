"""What became of everything that devices sent."""
