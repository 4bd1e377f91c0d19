"""Where things lie: in the repository, and in the directory of a stack."""

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]
DEFAULT_STACK = REPOSITORY / ".local"


@dataclass(frozen=True)
class Layout:
    """The directory of one stack holds all of its state."""

    root: Path

    @property
    def is_default(self) -> bool:
        return self.root == DEFAULT_STACK

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def firmware(self) -> Path:
        return self.data / "firmware"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    @property
    def credentials(self) -> Path:
        return self.root / "credentials.json"

    @property
    def info(self) -> Path:
        return self.root / "stack.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"
