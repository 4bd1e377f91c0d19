"""What the platform offers, and which manifests a device believes. No I/O.

Nothing outside the manifest is signed: an offer says where the image is and how far the session has come, no more.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from muster_cli.updater.errors import UpdateFailed
from muster_cli.updater.memory import Memory

_PATH = re.compile(r"/[\w.~%-][\w.~%/-]{0,500}", re.ASCII)


class Offer(BaseModel):
    """`manifest` is canonical JSON, `signature` Ed25519 over its UTF-8 bytes in base64; the downloads are paths.

    `downloads` has one for each part, `download` is that of the first.
    """

    session_id: str
    state: str
    manifest: str
    signature: str
    key_id: str
    download: str
    downloads: list[str] = []

    def paths(self) -> list[str]:
        return self.downloads if len(self.downloads) > 1 else [self.download]


class Part(BaseModel):
    """One firmware of a manifest."""

    model_config = ConfigDict(strict=True, frozen=True)

    name: str
    version: str
    release_counter: int
    size: Annotated[int, Field(gt=0)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Manifest(Part):
    """What the platform has signed; members that a device does not know are ignored. Times in epoch seconds.

    The first of `parts` is there once more on the outside; without `parts` it is the only one.
    """

    session: str
    device_uid: str
    counter: int
    hardware_versions: list[str]
    expires_at: int
    force: bool = False
    """The operator goes back to an older release, and has signed for it."""
    parts: list[Part] = []

    def in_order(self) -> list[Part]:
        """What is installed, the first one first."""
        return self.parts or [Part.model_validate(self.model_dump(include=set(Part.model_fields)))]


class PublicKey(BaseModel):
    """A member of a JSON Web Key Set (RFC 8037)."""

    kid: str
    kty: str
    crv: str | None = None
    x: str | None = None


@dataclass(frozen=True)
class Trust:
    """What a device was made with: who it is, and whose manifests it takes."""

    uid: str
    hardware_version: str | None
    keys: Mapping[str, Ed25519PublicKey]


def signing_keys(published: Iterable[PublicKey]) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys among them, by key id."""
    return {
        key.kid: Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key.x + "=" * (-len(key.x) % 4)))
        for key in published
        if key.kty == "OKP" and key.crv == "Ed25519" and key.x is not None
    }


def verified(offer: Offer, trust: Trust) -> Manifest:
    """The manifest, read only after its signature was checked, and for this device. Raises UpdateFailed."""
    key = trust.keys.get(offer.key_id)
    if key is None:
        raise UpdateFailed("unknown_key", "the manifest is signed with a key that the device was not made with")
    content = offer.manifest.encode()
    try:
        key.verify(base64.b64decode(offer.signature, validate=True), content)
    except (InvalidSignature, ValueError):
        raise UpdateFailed("bad_signature", "the signature does not fit the manifest") from None
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError:
        raise UpdateFailed("unreadable_manifest", "the manifest does not say what a manifest says") from None
    if manifest.device_uid != trust.uid:
        raise UpdateFailed("wrong_device", "the manifest is another device's")
    if manifest.session != offer.session_id:
        raise UpdateFailed("wrong_session", "the manifest is another session's")
    if not all(_PATH.fullmatch(path) for path in offer.paths()):
        raise UpdateFailed("foreign_download", "the image is not on the platform")
    _check_parts(offer, manifest)
    return manifest


def _check_parts(offer: Offer, manifest: Manifest) -> None:
    parts = manifest.in_order()
    first = parts[0].model_dump()
    if first != manifest.model_dump(include=set(first)) or len({part.name for part in parts}) < len(parts):
        raise UpdateFailed("mixed_parts", "the parts of the manifest do not belong together")
    if len(offer.paths()) != len(parts):
        raise UpdateFailed("missing_parts", f"{len(offer.paths())} images are offered for {len(parts)} parts")


def accept(manifest: Manifest, trust: Trust, memory: Memory, *, now: float) -> None:
    """Whether it may be installed at `now`, in epoch seconds, over what the device has. Raises UpdateFailed."""
    if now >= manifest.expires_at:
        raise UpdateFailed("expired", "the manifest has expired")
    if manifest.counter <= memory.counter:
        raise UpdateFailed("replayed", f"counter {manifest.counter} is not above {memory.counter}, the last one's")
    if manifest.hardware_versions and trust.hardware_version not in manifest.hardware_versions:
        known = ", ".join(manifest.hardware_versions)
        raise UpdateFailed("wrong_hardware", f"the image is for {known}; this is {trust.hardware_version}")
    for part in manifest.in_order():
        has = memory.release_of(part.name)
        if has is not None and part.release_counter < has and not manifest.force:
            raise UpdateFailed("older_release", f"{part.name} {part.release_counter} is older than {has}, which runs")
