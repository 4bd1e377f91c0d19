"""Temporal in an environment of its own, made when it is first asked for."""

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

from muster_stack.layout import REPOSITORY
from muster_stack.ports import any_free

_ENVIRONMENT = REPOSITORY / ".tools" / "temporal"
_HERE = Path(__file__).parent


async def seconds_for(count: int) -> float:
    """From the first start to the last result. Raises RuntimeError with what went wrong."""
    await _ensure_environment()
    with tempfile.TemporaryDirectory(prefix="muster-temporal-") as directory:
        script = str(_HERE / "temporal_reference.py")
        output = await _run(_ENVIRONMENT / "bin" / "python", "-P", script, str(any_free()), directory, str(count))
    return json.loads(output)["seconds"]


async def _ensure_environment() -> None:
    done = _ENVIRONMENT / "installed.txt"
    wanted = _HERE / "temporal-requirements.txt"
    if done.exists() and done.read_text() == wanted.read_text():
        return
    shutil.rmtree(_ENVIRONMENT, ignore_errors=True)
    await _run(sys.executable, "-m", "venv", str(_ENVIRONMENT))
    python = _ENVIRONMENT / "bin" / "python"
    await _run(python, "-m", "pip", "install", "-q", "--require-hashes", "--requirement", str(wanted))
    done.write_text(wanted.read_text())


async def _run(*command: str | Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed:\n{errors.decode()}")
    return output.decode()
