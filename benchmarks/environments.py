"""Environments of systems that ours is measured beside, each made when it is first asked for."""

import asyncio
import shutil
import sys
from pathlib import Path

from muster_stack.layout import REPOSITORY

_HERE = Path(__file__).parent


async def python_of(name: str) -> Path:
    """The interpreter of the environment that `<name>-requirements.txt` describes.

    Raises RuntimeError with what went wrong.
    """
    environment = REPOSITORY / ".tools" / name
    done = environment / "installed.txt"
    wanted = _HERE / f"{name}-requirements.txt"
    python = environment / "bin" / "python"
    if not done.exists() or done.read_text() != wanted.read_text():
        shutil.rmtree(environment, ignore_errors=True)
        await output_of(sys.executable, "-m", "venv", str(environment))
        await output_of(python, "-m", "pip", "install", "-q", "--require-hashes", "--requirement", str(wanted))
        done.write_text(wanted.read_text())
    return python


async def output_of(*command: str | Path) -> str:
    """Raises RuntimeError with the error output of one that fails."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed:\n{errors.decode()}")
    return output.decode()
