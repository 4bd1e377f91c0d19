"""The kinds of keys."""

from enum import StrEnum


class KeyKind(StrEnum):
    API_KEY = "api_key"
    GATEWAY = "gateway"
