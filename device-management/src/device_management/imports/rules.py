"""Files of devices, read row by row and written cell by cell. Pure but for the file it reads.

CSV has a header of the names below, in any order; `attributes/site` is one attribute as text, `attributes` is all of
them as JSON, `tags` are parted by semicolons or a JSON list. An empty cell says nothing. NDJSON has one device a line,
as the API shows it.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from io import StringIO, TextIOWrapper
from itertools import chain
from typing import IO, Any, Final, cast

from device_management.imports.errors import UnreadableFile
from device_management.imports.models import Row
from device_management.imports.states import FileFormat
from shared.contracts.nesting import deeper_than

WRITTEN: Final = (
    "device_uid",
    "name",
    "device_type",
    "serial_number",
    "hardware_version",
    "lifecycle",
    "updates_enabled",
    "tags",
    "attributes",
)
"""What a file may say of a device. `lifecycle` is where a new one begins, and says nothing of one that is there."""

_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
"""What a spreadsheet writes, in any case; another text is left for the device to be refused by."""

READ_ONLY: Final = (
    "id",
    "organization_id",
    "firmware_version",
    "reported_firmware_version",
    "reported_attributes",
    "reported_at",
    "site_id",
    "status",
    "online",
    "current_action_id",
    "version",
    "registered_at",
    "updated_at",
)
"""Further names that an export has; an import passes them over."""

MAX_LINE: Final = 128 * 1024
MAX_LEVELS: Final = 16

MAX_MESSAGE: Final = 500
_NAMED: Final = 100
"""Letters of a column's name that a message repeats."""

_DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
"""What a spreadsheet would take for a formula (OWASP, CSV injection), and what was defused before."""


class _BadCell(Exception):
    """What a cell holds cannot be read; the row is refused."""


class _LongLine(Exception):
    def __init__(self) -> None:
        super().__init__(f"over {MAX_LINE} characters")


def read_rows(file: IO[bytes], file_format: FileFormat) -> Generator[Row]:
    """The rows of a file in UTF-8, with or without a byte order mark. Raises UnreadableFile."""
    return _csv_rows(file) if file_format is FileFormat.CSV else _ndjson_rows(file)


def _csv_rows(file: IO[bytes]) -> Generator[Row]:
    lines = TextIOWrapper(file, encoding="utf-8-sig", newline="")
    line = 1
    try:
        first = lines.readline(MAX_LINE)
        delimiter = ";" if ";" in first and "," not in first else ","
        reader = csv.reader(chain([first], _bounded(lines)), strict=True, delimiter=delimiter)
        names = _header(next(reader, list[str]()))
        line = reader.line_num + 1
        for cells in reader:
            if cells:
                yield _csv_row(line, names, cells)
            line = reader.line_num + 1
    except UnicodeDecodeError:
        raise UnreadableFile("not UTF-8", line=line) from None
    except (csv.Error, _LongLine) as error:
        raise UnreadableFile(str(error), line=line) from None
    finally:
        lines.detach()


def _bounded(lines: TextIOWrapper) -> Iterator[str]:
    while line := lines.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise _LongLine
        yield line


def _header(cells: Sequence[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    for name, times in Counter(names).items():
        known = name in WRITTEN or name in READ_ONLY or re.fullmatch(r"attributes(/[^/\x00-\x1f]+)+", name)
        if not known:
            raise UnreadableFile(f"there is no column {name[:_NAMED]!r}; there are {', '.join(WRITTEN)}", line=1)
        if times > 1:
            raise UnreadableFile(f"the column {name[:_NAMED]!r} is there twice", line=1)
    if "device_uid" not in names:
        raise UnreadableFile("there must be a column device_uid", line=1)
    return names


def _csv_row(line: int, names: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(names):
        return Row(line, None, f"{len(cells)} cells where the header has {len(names)}")
    try:
        return _row(line, _device(zip(names, map(_armed, cells), strict=True)))
    except _BadCell as error:
        return Row(line, None, str(error))


def _device(cells: Iterable[tuple[str, str]]) -> dict[str, Any]:
    device: dict[str, Any] = {}
    single: list[tuple[list[str], str]] = []
    for name, cell in cells:
        if not cell or name in READ_ONLY:
            continue
        if name == "tags":
            device[name] = _json(name, cell, list) if cell.startswith("[") else _tags(cell)
        elif name == "attributes":
            device[name] = _json(name, cell, dict)
        elif name == "updates_enabled":
            device[name] = _BOOLEANS.get(cell.strip().lower(), cell)
        elif name.startswith("attributes/"):
            single.append((name.split("/")[1:], cell))
        else:
            device[name] = cell
    for path, cell in single:
        _put(device.setdefault("attributes", {}), path, cell)
    return device


def _tags(cell: str) -> list[str]:
    return [tag.strip() for tag in cell.split(";") if tag.strip()]


def _json(name: str, cell: str, kind: type) -> Any:
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, kind):
        raise _BadCell(f"{name} is no JSON {'list' if kind is list else 'object'}")
    return value


def _put(attributes: dict[str, Any], path: Sequence[str], value: str) -> None:
    *parents, last = path
    for part in parents:
        inner = attributes.setdefault(part, {})
        if not isinstance(inner, dict):
            raise _BadCell(f"attributes/{'/'.join(path)} leads through something that is no object")
        attributes = cast("dict[str, Any]", inner)
    attributes[last] = value


def _ndjson_rows(file: IO[bytes]) -> Generator[Row]:
    line = 0
    while raw := file.readline(MAX_LINE + 1):
        line += 1
        if len(raw) > MAX_LINE:
            raise UnreadableFile(str(_LongLine()), line=line)
        try:
            text = raw.decode("utf-8-sig" if line == 1 else "utf-8").strip()
        except UnicodeDecodeError:
            raise UnreadableFile("not UTF-8", line=line) from None
        if text:
            yield _ndjson_row(line, text)


def _ndjson_row(line: int, text: str) -> Row:
    try:
        device = _json("the line", text, dict)
    except _BadCell as error:
        return Row(line, None, str(error))
    return _row(line, {name: value for name, value in device.items() if name not in READ_ONLY})


def _row(line: int, device: Mapping[str, Any]) -> Row:
    """What is too deep to be written down is refused here; the rest by the shape of a device."""
    if deeper_than(device, MAX_LEVELS):
        return Row(line, None, f"at most {MAX_LEVELS} levels of nesting")
    return Row(line, device)


def without_nulls(members: Mapping[str, Any]) -> dict[str, Any]:
    """What a merge patch makes of nothing (RFC 7396): in objects a null is no member, in lists it stays."""
    return {
        name: without_nulls(cast("Mapping[str, Any]", value)) if isinstance(value, dict) else value
        for name, value in members.items()
        if value is not None
    }


def written_csv(devices: Iterable[Mapping[str, Any]], *, header: bool) -> str:
    """Devices as the API shows them, as lines of CSV that no spreadsheet executes and an import reads back."""
    text = StringIO()
    writer = csv.writer(text)
    columns = (*WRITTEN, *READ_ONLY)
    if header:
        writer.writerow(columns)
    writer.writerows([_cell(name, device[name]) for name in columns] for device in devices)
    return text.getvalue()


def _cell(name: str, value: Any) -> str:
    if value in (None, {}, []):
        return ""
    if isinstance(value, dict):
        return _defused(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    if name == "tags":
        plain = ";".join(value)
        return _defused(plain if _tags(plain) == value and not plain.startswith("[") else json.dumps(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return _defused(str(value))


def _defused(cell: str) -> str:
    return f"'{cell}" if _DANGEROUS.match(cell) else cell


def _armed(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _DANGEROUS.match(cell) else cell


def shown(text: str) -> str:
    """A message that quotes what somebody sent, fit to be stored and read."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:MAX_MESSAGE]
