"""The HTTP shapes of accounting: samples, but `messages` and the `dead` among them."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class AccountRead(BaseModel):
    """received = stored + duplicate + expired. `undated` are among `stored`, `gaps` are seqs that are missing."""

    messages: int
    received: int
    stored: int
    undated: int
    duplicate: int
    expired: int
    dead: int
    gaps: int


class DeviceAccountRead(AccountRead):
    device_uid: str


class AccountingAnswer(BaseModel):
    """From the day `from` to the day `to`, both in UTC and whole. `total` is of all devices, not of this page."""

    model_config = ConfigDict(populate_by_name=True)

    first: date = Field(alias="from")
    last: date = Field(alias="to")
    total: AccountRead
    items: list[DeviceAccountRead]
    next: str | None = None
