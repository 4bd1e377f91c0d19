"""Samples rolled up by minute and hour, and what was counted: recomputed from the store, never incremented."""
