import gc
import weakref

import pytest

from shared.garbage import collect_rarely


class Knot:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def rarely():
    before = gc.get_threshold()
    collect_rarely()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_what_was_there_at_the_start_is_not_looked_at_again(rarely):
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects(generation=2)) < 1_000


def test_cycles_that_come_later_are_still_freed(rarely):
    gone = weakref.ref(Knot())
    kept = [[] for _ in range(60_000)]
    assert gone() is None
    assert len(kept) == 60_000
