"""A form with a file, however it is cut into pieces on its way."""

import asyncio
from itertools import pairwise

import pytest
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from shared.http import multipart
from shared.http.multipart import BadForm, NotMultipart, UploadForm, UploadStalled


class Described(BaseModel):
    model_config = ConfigDict(extra="forbid", str_max_length=20)

    filename: str | None
    name: str
    tags: list[str] | str = []


def part(name, content, *, filename=None):
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
    return f"--b\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


FILE = part("file", b"content", filename="image.bin")
NAME = part("name", b"gateway")
END = b"--b--\r\n"


def form(*pieces, content_type="multipart/form-data; boundary=b", then=None):
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append(then or {"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        if messages[0] == "silence":
            await asyncio.sleep(60)
        return messages.pop(0)

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}
    return UploadForm(Request(scope, receive), Described)


async def read(upload):
    return b"".join([chunk async for chunk in upload.file()]), upload.described()


@pytest.mark.parametrize("order", [(FILE, NAME), (NAME, FILE)], ids=["file first", "file last"])
async def test_the_order_of_file_and_fields_does_not_matter(order):
    content, described = await read(form(*order, END))
    assert content == b"content"
    assert described == Described(filename="image.bin", name="gateway")


async def test_a_repeated_field_is_a_list():
    tags = [part("tags", tag) for tag in (b"a", b"b", b"c")]
    _, described = await read(form(NAME, *tags, FILE, END))
    assert described.tags == ["a", "b", "c"]


@given(content=st.binary(max_size=300), cuts=st.lists(st.integers(0, 700), max_size=8))
async def test_however_it_is_cut_the_file_is_whole(content, cuts):
    tricky = content + b"\r\n--" + content + b"\r\n--b" + content.replace(b"\r\n--b", b"") + b"\r"
    file = tricky.replace(b"\r\n--b", b"\r\n-b")
    body = NAME + part("file", file, filename="x") + END
    places = sorted({0, len(body), *(min(cut, len(body)) for cut in cuts)})
    pieces = [body[start:end] for start, end in pairwise(places)]
    assert (await read(form(*pieces)))[0] == file


async def test_the_file_is_given_while_it_arrives():
    upload = form(NAME, part("file", b"", filename="x")[:-2] + b"first", b"second", b"\r\n" + END)
    chunks = upload.file()
    assert await anext(chunks) == b"first"
    assert await anext(chunks) == b"second"


@pytest.mark.parametrize(
    "pieces",
    [
        (b"",),
        (b"no form",),
        (NAME, FILE),
        (NAME, FILE[:-5]),
        (NAME, FILE, FILE, END),
        (b"--b\r\n\r\nno header\r\n", END),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nno name\r\n", END),
        (b"--b\r\nContent-Disposition form-data\r\n\r\n", END),
        (b"--b\r\n" + b"X: " + b"y" * 10_000 + b"\r\n\r\n", END),
        (part("name", b"\xff"), FILE, END),
        (part("name", b"x" * multipart.MAX_FIELD_BYTES + b"x"), FILE, END),
        tuple(part("tags", b"")[:-2] + b"\r\n" for _ in range(multipart.MAX_FIELDS + 1)),
    ],
    ids=range(12),
)
async def test_what_is_no_form_to_its_end_is_refused(pieces):
    with pytest.raises(BadForm):
        await read(form(*pieces))


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/mixed; boundary=b",
        f"multipart/form-data; boundary={'b' * 300}",
    ],
)
async def test_another_kind_of_body_is_refused_before_it_is_read(content_type):
    with pytest.raises(NotMultipart):
        await read(form(FILE, content_type=content_type))


async def test_a_wrong_field_before_the_file_refuses_it_before_it_arrives():
    upload = form(part("name", b"x" * 21), FILE[:-4], then="silence")
    with pytest.raises(RequestValidationError) as refused:
        await read(upload)
    assert refused.value.errors()[0]["loc"] == ("body", "name")


async def test_missing_fields_and_a_missing_file_are_named():
    for pieces, missing in [((FILE, END), "name"), ((NAME, END), "file")]:
        with pytest.raises(RequestValidationError) as refused:
            await read(form(*pieces))
        assert [error["loc"] for error in refused.value.errors()] == [("body", missing)]


async def test_a_client_that_goes_away_or_falls_silent_is_not_taken_for_one_that_has_finished(monkeypatch):
    with pytest.raises(BadForm):
        await read(form(NAME, FILE, then={"type": "http.disconnect"}))
    monkeypatch.setattr(multipart, "SILENCE_SECONDS", 0.01)
    with pytest.raises(UploadStalled):
        await read(form(NAME, FILE[:-5], then="silence"))
