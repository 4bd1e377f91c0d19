"""An upload: multipart/form-data (RFC 7578) with one file, read as it arrives and never kept here.

FastAPI's own forms are read to their end, files into temporary ones, before it is asked who is calling. This reads
nothing until somebody asks for the file, and of that only what is on the wire.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Generic, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from shared.errors import DomainError

MAX_FIELDS = 100
MAX_FIELD_BYTES = 64 * 1024
"""Of all fields together, the file aside."""

SILENCE_SECONDS = 60.0
"""How long a client may send nothing in the middle of its upload."""

M = TypeVar("M", bound=BaseModel)


class NotMultipart(DomainError):
    status = 415
    code = "unsupported_media_type"

    def __init__(self) -> None:
        super().__init__("send multipart/form-data with a file")


class BadForm(DomainError):
    """The body is no form, or not to its end."""

    status = 400
    code = "bad_form"


class UploadStalled(DomainError):
    status = 408
    code = "upload_stalled"

    def __init__(self) -> None:
        super().__init__("nothing has arrived for a while", headers={"Connection": "close"})


class UploadForm(Generic[M]):
    """`model` describes the fields beside the file, its name on the client as `filename`; their order does not matter.

    A field that comes several times is a list.
    """

    def __init__(self, request: Request, model: type[M], *, file: str = "file") -> None:
        self._request = request
        self._model = model
        self._file = file
        self._values: dict[str, Any] = {}
        self._part = _Part()
        self._parts = 0
        self._field_bytes = 0
        self._has_file = False
        self._chunks: list[bytes] = []
        self._ended = False

    async def file(self) -> AsyncGenerator[bytes]:
        """The bytes of the file as they arrive; whole, or it raises.

        Raises NotMultipart, BadForm, UploadStalled, and RequestValidationError as soon as a field before the file is
        seen to be wrong.
        """
        parser = self._parser()
        body = self._request.stream()
        while True:
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    data = await anext(body, b"")
                parser.write(data)
            except TimeoutError:
                raise UploadStalled from None
            except ClientDisconnect:
                raise BadForm("the client went away") from None
            except FormParserError:
                raise BadForm("the body is not a form as RFC 7578 describes it") from None
            if self._chunks:
                yield b"".join(self._chunks)
                self._chunks.clear()
            if not data:
                break
        if not self._ended:
            raise BadForm("the form ends before its last boundary")

    def described(self) -> M:
        """The fields, once the file is read. Raises RequestValidationError."""
        if not self._has_file:
            raise _invalid([{"type": "missing", "loc": (self._file,), "msg": "Field required"}])
        try:
            return self._model.model_validate(self._values)
        except ValidationError as error:
            raise _invalid(error.errors(include_context=False)) from None

    def _parser(self) -> MultipartParser:
        kind, options = parse_options_header(self._request.headers.get("content-type"))
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise NotMultipart
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": lambda data, start, end: self._part.header.extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._part.header_value.extend(data[start:end]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._open_part,
                    "on_part_data": lambda data, start, end: self._take(data[start:end]),
                    "on_part_end": self._close_part,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise NotMultipart from None

    def _begin_part(self) -> None:
        self._part = _Part()
        self._parts += 1
        if self._parts > MAX_FIELDS:
            raise BadForm(f"a form has at most {MAX_FIELDS} fields")

    def _end_header(self) -> None:
        self._part.end_header()

    def _open_part(self) -> None:
        if not self._part.name:
            raise BadForm("a part has no name")
        if self._part.name != self._file:
            return
        if self._has_file:
            raise BadForm("a form has one file")
        self._has_file = self._part.is_file = True
        self._values["filename"] = self._part.filename
        self._refuse_early()

    def _refuse_early(self) -> None:
        try:
            self._model.model_validate(self._values)
        except ValidationError as error:
            wrong = [entry for entry in error.errors(include_context=False) if entry["type"] != "missing"]
            if wrong:
                raise _invalid(wrong) from None

    def _take(self, data: bytes) -> None:
        if self._part.is_file:
            self._chunks.append(data)
            return
        self._field_bytes += len(data)
        if self._field_bytes > MAX_FIELD_BYTES:
            raise BadForm(f"the fields beside the file hold at most {MAX_FIELD_BYTES} bytes")
        self._part.value += data

    def _close_part(self) -> None:
        part = self._part
        if part.is_file:
            return
        value = _text(bytes(part.value))
        before = self._values.get(part.name)
        if before is None:
            self._values[part.name] = value
        else:
            self._values[part.name] = [*(before if isinstance(before, list) else [before]), value]

    def _end(self) -> None:
        self._ended = True


class _Part:
    """One part of the form, as far as it has arrived; Content-Disposition says what it is."""

    def __init__(self) -> None:
        self.header = bytearray()
        self.header_value = bytearray()
        self.name = ""
        self.filename: str | None = None
        self.is_file = False
        self.value = bytearray()

    def end_header(self) -> None:
        if bytes(self.header).lower() == b"content-disposition":
            _, options = parse_options_header(self.header_value.decode("latin-1"))
            self.name = _text(options.get(b"name", b""))
            self.filename = _text(options[b"filename"]) if b"filename" in options else None
        self.header.clear()
        self.header_value.clear()


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise BadForm("a field is not UTF-8") from None


def _invalid(errors: list[Any]) -> RequestValidationError:
    return RequestValidationError([{**error, "loc": ("body", *error["loc"])} for error in errors])
