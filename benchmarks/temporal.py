"""Temporal in an environment of its own."""

import json
import tempfile
from pathlib import Path

from benchmarks.environments import output_of, python_of
from muster_stack.ports import any_free

_SCRIPT = Path(__file__).with_name("temporal_reference.py")


async def seconds_for(count: int) -> float:
    """From the first start to the last result. Raises RuntimeError with what went wrong."""
    python = await python_of("temporal")
    with tempfile.TemporaryDirectory(prefix="muster-temporal-") as directory:
        output = await output_of(python, "-P", _SCRIPT, str(any_free()), directory, str(count))
    return json.loads(output)["seconds"]
