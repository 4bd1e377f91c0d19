"""What a person on call reads: structured logs, Prometheus metrics, and the ids that tie one cause to its effects."""
