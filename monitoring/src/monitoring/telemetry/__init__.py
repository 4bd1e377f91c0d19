"""What devices report: every sample by day, and the latest value of every metric."""
