"""What the stack's tests look at processes with."""

from collections.abc import Callable

import psutil
import pytest


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def runs() -> Callable[[int], bool]:
    """Whether a process runs; one that has ended and waits for its parent to notice does not."""
    return _runs
