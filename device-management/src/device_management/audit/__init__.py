"""The audit log: who changed what, when, and how it was before. Rows are added and read, never changed."""
