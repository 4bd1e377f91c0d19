"""The base that every table of this service shares: one metadata, so that foreign keys find each other."""

from shared.sql.models import table_base

Table = table_base()
