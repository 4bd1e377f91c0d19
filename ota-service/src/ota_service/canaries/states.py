"""What a canary comes to."""

from enum import StrEnum


class CanaryVerdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    """Too few devices, differences that may be chance, or no answer in time."""
