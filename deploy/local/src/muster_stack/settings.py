"""The `MUSTER_*` settings given from outside: the environment, and below it the file `.env`."""

from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

_PREFIX = "MUSTER_"


def read_settings(environment: Mapping[str, str], file: Path) -> dict[str, str]:
    """Only those that say something: an empty value is one that was not given."""
    merged = dotenv_values(file) | dict(environment)
    return {name: value for name, value in merged.items() if name.startswith(_PREFIX) and value}
