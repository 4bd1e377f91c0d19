"""The programs of other makers that the stack runs: where they lie, and which package brings them."""

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

# Debian keeps servers in sbin, which is not on the path of ordinary users.
_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Program:
    """A program, the Debian and Ubuntu package that brings it, and the places where the package puts it."""

    name: str
    package: str
    patterns: tuple[str, ...] = ()


POSTGRES = Program("postgres", "postgresql", ("/usr/lib/postgresql/*/bin/postgres", "/usr/local/bin/postgres"))
RABBITMQ = Program("rabbitmq-server", "rabbitmq-server", ("/usr/lib/rabbitmq/bin/rabbitmq-server",))
EPMD = Program("epmd", "erlang-base", ("/usr/lib/erlang/bin/epmd",))
REDIS = Program("redis-server", "redis-server", ("/usr/bin/valkey-server",))
NGINX = Program("nginx", "nginx")
SERVERS = (POSTGRES, RABBITMQ, EPMD, REDIS, NGINX)

MOSQUITTO = Program("mosquitto_pub", "mosquitto-clients")
CHROMIUM = Program(
    "chromium",
    "chromium",
    (
        "/usr/bin/chromium",
        "/usr/bin/google-chrome",
        f"{Path.home()}/.cache/ms-playwright/chromium-*/chrome-linux*/chrome",
    ),
)
SWUPDATE = Program("swupdate", "swupdate")
TEST_CLIENTS = (MOSQUITTO, CHROMIUM, SWUPDATE)


class MissingPrograms(RuntimeError):
    """Programs are not installed; the message names them and the command that installs them."""

    def __init__(self, programs: tuple[Program, ...]) -> None:
        self.programs = programs
        names = ", ".join(program.name for program in programs)
        super().__init__(f"not installed: {names}\n  install with:  {install_command(programs)}")


def install_command(programs: tuple[Program, ...]) -> str:
    """What to type to install them on Debian or Ubuntu."""
    packages = " ".join(dict.fromkeys(program.package for program in programs))
    return f"sudo apt-get update && sudo apt-get install --no-install-recommends -y {packages}"


def locate(program: Program) -> Path | None:
    """The newest of those that the machine has."""
    found = [path for pattern in program.patterns for path in Path("/").glob(pattern.lstrip("/"))]
    if found:
        return max(found, key=_version)
    on_path = shutil.which(program.name, path=_SEARCH_PATH)
    return None if on_path is None else Path(on_path)


def require(program: Program) -> Path:
    """Where it lies. Raises MissingPrograms."""
    path = locate(program)
    if path is None:
        raise MissingPrograms((program,))
    return path


def missing(programs: tuple[Program, ...]) -> tuple[Program, ...]:
    return tuple(program for program in programs if locate(program) is None)


def of_this_environment(name: str) -> Path:
    """A command of the virtual environment that runs this."""
    return Path(sys.prefix) / "bin" / name


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", str(path)))
