"""Organizations: whose devices, people and tokens everything else is."""
