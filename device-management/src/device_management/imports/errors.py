"""What can go wrong with imports."""

from shared.errors import DomainError


class ImportNotFound(DomainError):
    """There is none of that id, or it is not the caller's: the answer is the same."""

    status = 404
    code = "import_not_found"

    def __init__(self) -> None:
        super().__init__("import not found")


class UnreadableFile(DomainError):
    """The file as a whole cannot be read; nothing of it was kept."""

    status = 422
    code = "unreadable_file"

    def __init__(self, detail: str, *, line: int) -> None:
        super().__init__(f"line {line}: {detail}", line=line)


class UploadCutShort(DomainError):
    status = 400
    code = "upload_cut_short"

    def __init__(self) -> None:
        super().__init__("the client went away before the file was whole")


class StorageFull(DomainError):
    """There is no room left to take a file in; nothing of it was kept."""

    status = 507
    code = "storage_full"

    def __init__(self) -> None:
        super().__init__("there is no room left for the file; nothing was kept")


class TooManyRows(DomainError):
    status = 413
    code = "too_many_rows"

    def __init__(self, limit: int) -> None:
        super().__init__(f"a file holds at most {limit} devices; import it in parts")


class TooManyImports(DomainError):
    """Imports are taken in before they are carried out, and what is taken in is kept until then."""

    status = 409
    code = "too_many_imports"

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} imports wait or run already; try again when one has ended")


class UnknownFormat(DomainError):
    status = 415
    code = "unsupported_media_type"

    def __init__(self) -> None:
        super().__init__("send text/csv or application/x-ndjson")


class ImportIsOver(DomainError):
    """It has ended, and stays as it ended."""

    status = 409
    code = "import_is_over"

    def __init__(self, state: str) -> None:
        super().__init__(f"the import is {state}", state=state)
