"""Files for their owner's eyes alone: keys and passwords, made once."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile


def write_new(path: Path, content: bytes) -> None:
    """Makes the file, whole or not at all; of several at once one makes it. Raises FileExistsError if it is there.

    Who finds it finds all of it: half a key, left by a process that was killed, would be there for ever.
    """
    if path.exists():  # Also where nothing may be written.
        raise FileExistsError(path)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:  # 0600
        file.write(content)
        file.flush()
        os.link(file.name, path)
