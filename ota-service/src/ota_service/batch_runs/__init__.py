"""Carrying batches on: a step at a time, each a transaction, by any number of workers."""
