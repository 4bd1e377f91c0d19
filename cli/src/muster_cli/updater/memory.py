"""What a device must still know after a power cut: the image that runs, one that waits, and how far it has counted."""

from pydantic import BaseModel, ConfigDict


class Image(BaseModel):
    """An installed firmware, the session that brought it, and the release counters of all its parts by name."""

    model_config = ConfigDict(frozen=True)

    session: str
    name: str
    version: str
    release_counter: int
    parts: dict[str, int] = {}

    def releases(self) -> dict[str, int]:
        return {self.name: self.release_counter, **self.parts}


class Memory(BaseModel):
    """`staged` is whole and checked, and starts with the next boot. `counter` is the greatest that is used up."""

    model_config = ConfigDict(frozen=True)

    running: Image | None = None
    staged: Image | None = None
    counter: int = 0
    releases: dict[str, int] = {}
    """The release counter of everything that ever was booted, by name, as it was last."""

    def release_of(self, name: str) -> int | None:
        running = {} if self.running is None else self.running.releases()
        return self.releases.get(name, running.get(name))

    def runs(self, session: str) -> bool:
        return self.running is not None and self.running.session == session

    def has_staged(self, session: str) -> bool:
        return self.staged is not None and self.staged.session == session

    def with_staged(self, image: Image) -> "Memory":
        return self.model_copy(update={"staged": image})

    def booted(self, counter: int) -> "Memory":
        """With what was staged, by the session with that counter."""
        staged = {} if self.staged is None else self.staged.releases()
        releases = self.releases | staged
        return self.model_copy(update={"running": self.staged, "releases": releases}).used_up(counter)

    def used_up(self, counter: int) -> "Memory":
        """After the session with that counter, however it ended: its manifest is never good again."""
        return self.model_copy(update={"staged": None, "counter": max(self.counter, counter)})
