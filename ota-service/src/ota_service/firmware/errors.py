"""What can go wrong with firmware."""

from shared.errors import DomainError, ServiceUnavailable


class FirmwareNotFound(DomainError):
    """There is none of that id, or it is not the caller's: the answer is the same."""

    status = 404
    code = "firmware_not_found"

    def __init__(self, detail: str = "firmware not found") -> None:
        super().__init__(detail)


class FirmwareVersionTaken(DomainError):
    """The same name and version with other bytes or for other hardware: a version means one thing for ever."""

    status = 409
    code = "firmware_version_taken"

    def __init__(self, name: str, version: str, *, different: str) -> None:
        super().__init__(f"{name} {version} exists with {different}; upload it under a new version")


class FirmwareNotApproved(DomainError):
    status = 409
    code = "firmware_not_approved"

    def __init__(self) -> None:
        super().__init__("the firmware is not approved; approve it first")


class FirmwareWithdrawn(DomainError):
    status = 409
    code = "firmware_withdrawn"

    def __init__(self) -> None:
        super().__init__("the firmware was withdrawn; upload the image under a new version to bring it back")


class ApprovalNotCounted(DomainError):
    """Where several must approve, not everybody's approval counts."""

    status = 403
    code = "approval_not_counted"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class FirmwareEmpty(DomainError):
    status = 422
    code = "firmware_empty"

    def __init__(self) -> None:
        super().__init__("the file is empty")


class DigestMismatch(DomainError):
    """The bytes that arrived are not the bytes that were announced; nothing was kept."""

    status = 422
    code = "digest_mismatch"

    def __init__(self, arrived: str) -> None:
        super().__init__("the file is not the announced one: its sha256 differs", sha256=arrived)


class StorageFull(DomainError):
    status = 507
    code = "storage_full"

    def __init__(self) -> None:
        super().__init__("there is no room left for the file; nothing was kept")


class BlobStoreAway(ServiceUnavailable):
    def __init__(self) -> None:
        super().__init__("the firmware store is away", retry_after_s=10)


class BlobDamaged(DomainError):
    """What is stored is not what was uploaded, or is gone. Not a byte of the damaged piece is given out."""

    status = 500
    code = "firmware_damaged"

    def __init__(self) -> None:
        super().__init__("the stored file is damaged; restore it from a backup, or upload it under a new version")


class RangeNotSatisfiable(DomainError):
    status = 416
    code = "range_not_satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(
            f"the file has {size} bytes", headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}
        )
