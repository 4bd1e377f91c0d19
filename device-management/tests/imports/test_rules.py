import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_management.devices.schemas import DeviceRead
from device_management.imports.errors import UnreadableFile
from device_management.imports.models import Row
from device_management.imports.rules import MAX_LEVELS, MAX_LINE, READ_ONLY, WRITTEN, read_rows, written_csv
from device_management.imports.states import FileFormat


def rows(text: str | bytes, file_format: FileFormat = FileFormat.CSV) -> list[Row]:
    return list(read_rows(io.BytesIO(text.encode() if isinstance(text, str) else text), file_format))


def test_a_row_of_csv_is_a_device_and_an_empty_cell_says_nothing():
    header = "device_uid,name,tags,attributes,attributes/site/floor\n"
    assert rows(header + 'pump-1,"Pump, one",a; b ,"{""slots"": 4}",2\npump-2,,,,\n') == [
        Row(
            2,
            {
                "device_uid": "pump-1",
                "name": "Pump, one",
                "tags": ["a", "b"],
                "attributes": {"slots": 4, "site": {"floor": "2"}},
            },
        ),
        Row(3, {"device_uid": "pump-2"}),
    ]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_what_spreadsheets_write_is_read(mark, newline, delimiter):
    lines = [delimiter.join(cells) for cells in (["device_uid", "name"], ["pump-1", "Pümp"], ["pump-2", "x"])]
    assert [row.device for row in rows(mark + newline.join(lines))] == [
        {"device_uid": "pump-1", "name": "Pümp"},
        {"device_uid": "pump-2", "name": "x"},
    ]


def test_lines_are_those_of_the_file_although_a_cell_spans_several():
    assert [row.line for row in rows('device_uid,name\na,"one\ntwo"\n\nb,x\n')] == [2, 5]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("name\nPump\n", 1, "there must be a column device_uid"),
        ("", 1, "there must be a column device_uid"),
        ("device_uid,name,name\n", 1, "is there twice"),
        ("device_uid,colour\n", 1, "no column 'colour'"),
        ("device_uid," + "c" * 5_000 + "\n", 1, "no column 'c+'"),
        ("device_uid,attributes/\n", 1, "no column 'attributes/'"),
        ("device_uid,attributes/a\0b\n", 1, "no column"),
        (b"device_uid,name\na,x\nb,\xff\n", None, "not UTF-8"),
        (b"\xff\xfed\0", 1, "not UTF-8"),
        ('device_uid,name\na,"x"y\n', 2, "expected after"),
        ('device_uid,name\na,"x', 2, "unexpected end"),
        ("device_uid,name\na," + "x" * MAX_LINE + "\n", 2, "over"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_line(text, line, says):
    with pytest.raises(UnreadableFile, match=says) as caught:
        rows(text)
    assert line is None or caught.value.extra["line"] == line
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("a", "1 cells where the header has 3"),
        ("a,b,c,d", "4 cells"),
        ("a,{,", "attributes is no JSON object"),
        ("a,[1],", "attributes is no JSON object"),
        ('a,,"[1"', "tags is no JSON list"),
    ],
)
def test_a_row_that_cannot_be_read_stops_no_other(cells, says):
    bad, good = rows(f"device_uid,attributes,tags\n{cells}\nb,,\n")
    assert (bad.line, bad.device) == (2, None)
    assert says in (bad.error or "")
    assert good == Row(3, {"device_uid": "b"})


def test_a_line_of_ndjson_is_a_device_without_what_only_the_platform_says():
    text = '\ufeff{"device_uid": "a", "id": 5, "status": "idle", "tags": ["x"]}\n\n[]\nnonsense\n{"device_uid": null}'
    assert rows(text, FileFormat.NDJSON) == [
        Row(1, {"device_uid": "a", "tags": ["x"]}),
        Row(3, None, "the line is no JSON object"),
        Row(4, None, "the line is no JSON object"),
        Row(5, {"device_uid": None}),
    ]


@pytest.mark.parametrize("text", [b"{}\n\xff\n", b"{}\n" + b"x" * (MAX_LINE + 1)])
def test_ndjson_that_cannot_be_read_names_the_line(text):
    with pytest.raises(UnreadableFile) as caught:
        rows(text, FileFormat.NDJSON)
    assert caught.value.extra["line"] == 2


def test_an_import_knows_every_member_that_an_export_has():
    assert DeviceRead.model_fields.keys() == {*WRITTEN, *READ_ONLY}


_texts = st.none() | st.text("aé ,;'\"=+-@\t\n[]{}", min_size=1, max_size=6)
_devices = st.fixed_dictionaries(
    {
        **dict.fromkeys(READ_ONLY, st.integers(-5, 5)),
        **dict.fromkeys(WRITTEN, _texts),
        "device_uid": st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True),
        "updates_enabled": st.booleans(),
        "tags": st.lists(st.text("a;[ =", min_size=1, max_size=3), max_size=3),
        "attributes": st.dictionaries(st.text(max_size=3), st.none() | st.text(max_size=3) | st.integers(), max_size=3),
    }
)


@given(st.lists(_devices, min_size=1, max_size=4))
def test_what_is_written_is_read_again(devices):
    text = written_csv(devices, header=True)
    for row, device in zip(rows(text), devices, strict=True):
        expected = {name: device[name] for name in WRITTEN if device[name] not in (None, [], {})}
        assert row.device == expected


@given(_devices)
def test_no_cell_that_is_written_begins_like_a_formula(device):
    for cells in csv.reader(io.StringIO(written_csv([device], header=False))):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


@given(st.binary(max_size=200), st.sampled_from(FileFormat))
def test_any_bytes_give_rows_or_an_error_with_its_line(content, file_format):
    prefix = b"device_uid,name\n" if file_format is FileFormat.CSV else b""
    try:
        found = rows(prefix + content, file_format)
    except UnreadableFile as error:
        assert error.extra["line"] >= 1  # noqa: PT017 - either way is right
        return
    assert all((row.device is None) != (row.error is None) for row in found)
    assert json.dumps([row.device for row in found])


@pytest.mark.parametrize("levels", [MAX_LEVELS + 1, 900, 20_000])
def test_a_row_that_is_nested_too_deep_is_refused_alone(levels):
    deep = '{"device_uid": "pump-1", "attributes": ' + '{"a":' * (levels - 1) + "1" + "}" * levels
    read = rows(deep + '\n{"device_uid": "pump-2"}\n', FileFormat.NDJSON)
    assert [(row.line, row.device is None) for row in read] == [(1, True), (2, False)]
    header = "device_uid,attributes/" + "a/" * (levels - 2) + "a\n"
    read = rows(header + "pump-1,1\npump-2,\n")
    assert [(row.line, row.device is None) for row in read] == [(2, True), (3, False)]
