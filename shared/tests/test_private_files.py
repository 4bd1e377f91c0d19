from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from shared.private_files import write_new


def test_the_file_is_its_owners_alone(tmp_path):
    write_new(tmp_path / "key", b"secret")
    assert (tmp_path / "key").read_bytes() == b"secret"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_whole_is_not_there(tmp_path):
    with pytest.raises(TypeError):
        write_new(tmp_path / "key", cast("Any", 1))
    assert list(tmp_path.iterdir()) == []


def test_of_several_at_once_one_makes_it_and_nobody_finds_a_part(tmp_path):
    path, size = tmp_path / "key", 1_000_000

    def make(letter: bytes) -> bytes:
        try:
            write_new(path, letter * size)
        except FileExistsError:
            return b""
        return letter

    def look() -> set[int]:
        return {len(path.read_bytes()) for _ in range(50) if path.exists()}

    with ThreadPoolExecutor() as pool:
        looking = pool.submit(look)
        made = [letter for letter in pool.map(make, (b"a", b"b", b"c", b"d")) if letter]
        assert looking.result() <= {size}
    assert [path.read_bytes()] == [letter * size for letter in made]
    assert list(tmp_path.iterdir()) == [path]
