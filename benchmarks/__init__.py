"""What `make bench` runs: every figure beside its own ceiling, measured in the same run on the same machine."""
