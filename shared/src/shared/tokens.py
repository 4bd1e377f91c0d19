"""Every credential is a token: a JWT signed with EdDSA (Ed25519) by device-management, verified offline by all others.

A key ring holds public keys by `kid`, so keys can rotate; only device-management holds a private key. The audience says
who the bearer is. Source of the rules against algorithm confusion: RFC 8725, sections 3.1 and 3.9.
"""

import base64
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm

from shared.private_files import write_new
from shared.revocations import Revocations

ISSUER = "muster"
PRIVATE_KEY_FILE = "token-signing.pem"
PUBLIC_KEYS_FILE = "token-keys.json"
_MAX_TOKEN_CHARS = 4_096
_REMEMBERED_TOKENS = 20_000
_REMEMBERED_USES = 10_000
_LABEL = re.compile(r"^muster_[0-9a-f]{8}_")
"""What stands before the token of a key, so that people and scanners recognize it."""

_LEEWAY = timedelta(seconds=5)


class Audience(StrEnum):
    PEOPLE = "muster:people"
    DEVICE = "muster:device"
    GATEWAY = "muster:gateway"
    """An organization's gateway, which registers devices and speaks for those of its organization."""


@dataclass(frozen=True)
class Claims:
    """What a verified token says. `session` and `scopes` are a person's; a `generation` is a device's or a person's."""

    subject: str
    organization_id: int
    audience: Audience
    token_id: str
    not_before: datetime
    expires_at: datetime
    scopes: frozenset[str] = frozenset()
    session: str | None = None
    generation: int | None = None
    name: str | None = None
    """What people call the bearer: an e-mail address, for the audit log."""


class InvalidToken(Exception):
    """The text is no token of ours, or not one any more. The message names the reason and never the token."""


class KeyRing:
    """The public keys, by key id, and what is refused although they verify it."""

    def __init__(self, keys: dict[str, Ed25519PublicKey]) -> None:
        self._keys = keys
        self.revocations = Revocations()
        self._used: dict[str, datetime] = {}
        self._signed = lru_cache(maxsize=_REMEMBERED_TOKENS)(self._check_signature)

    @classmethod
    def load(cls, directory: Path) -> "KeyRing":
        """Reads a JSON Web Key Set (RFC 7517). Raises FileNotFoundError, ValueError or TypeError when there is none."""
        document = json.loads((directory / PUBLIC_KEYS_FILE).read_text())
        keys: dict[str, Ed25519PublicKey] = {}
        for entry in document["keys"]:
            key = OKPAlgorithm.from_jwk(entry)
            if not isinstance(key, Ed25519PublicKey):
                raise TypeError(f"{PUBLIC_KEYS_FILE} holds a key that is not a public Ed25519 key")
            keys[entry["kid"]] = key
        return cls(keys)

    def note_use(self, token_id: str) -> None:
        """Remembers that a key is used now: of `_REMEMBERED_USES` keys, between two takings."""
        if token_id in self._used or len(self._used) < _REMEMBERED_USES:
            self._used[token_id] = datetime.now(UTC)

    def take_uses(self) -> dict[str, datetime]:
        """When each key was last used, since this was asked last."""
        used, self._used = self._used, {}
        return used

    def verify(self, token: str, *audiences: Audience) -> Claims:
        """The claims of a token meant for one of `audiences`. Raises InvalidToken.

        A signature is checked once and remembered (it cannot change); times and revocations are checked at every call.
        """
        claims = self._signed(token)
        now = datetime.now(UTC)
        if claims.audience not in audiences:
            raise InvalidToken("meant for somebody else")
        if now >= claims.expires_at + _LEEWAY:
            raise InvalidToken("expired")
        if now + _LEEWAY < claims.not_before:
            raise InvalidToken("not valid yet")
        if self.revocations.refuses(claims):
            raise InvalidToken("revoked")
        return claims

    def _check_signature(self, token: str) -> Claims:
        if len(token) > _MAX_TOKEN_CHARS:
            raise InvalidToken("too long")
        token = _LABEL.sub("", token)
        try:
            key = self._keys.get(str(jwt.get_unverified_header(token).get("kid")))
            if key is None:
                raise InvalidToken("unknown key")
            payload: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                issuer=ISSUER,
                options={
                    "require": ["sub", "org", "aud", "jti", "iat", "nbf", "exp"],
                    "verify_aud": False,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            return _claims(payload)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise InvalidToken(type(error).__name__) from None


class TokenSigner:
    """Signs tokens. Only device-management has one."""

    def __init__(self, private_key: Ed25519PrivateKey, key_id: str) -> None:
        self._key = private_key
        self._key_id = key_id

    @classmethod
    def load(cls, directory: Path) -> "TokenSigner":
        key = load_pem_private_key((directory / PRIVATE_KEY_FILE).read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError(f"{PRIVATE_KEY_FILE} is not an Ed25519 key")
        return cls(key, key_id_of(key.public_key()))

    def derive(self, purpose: str, text: str) -> str:
        """A secret that the same text leads to each time, and that nobody finds without the key.

        Ed25519 signatures are deterministic: RFC 8032, section 5.1.6.
        """
        digest = sha256(self._key.sign(f"{purpose}\0{text}".encode())).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def sign(self, claims: Claims) -> str:
        payload: dict[str, Any] = {
            "iss": ISSUER,
            "sub": claims.subject,
            "org": claims.organization_id,
            "aud": str(claims.audience),
            "jti": claims.token_id,
            "iat": int(claims.not_before.timestamp()),
            "nbf": int(claims.not_before.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
        }
        if claims.scopes:
            payload["scope"] = " ".join(sorted(claims.scopes))
        if claims.session is not None:
            payload["sid"] = claims.session
        if claims.generation is not None:
            payload["gen"] = claims.generation
        if claims.name is not None:
            payload["name"] = claims.name
        return jwt.encode(payload, self._key, algorithm="EdDSA", headers={"kid": self._key_id})


def key_token(prefix: str, token: str) -> str:
    """How the token of a key is handed out: `muster_1a2b3c4d_` and the token, with the first 8 digits of its id."""
    return f"muster_{prefix}_{token}"


def key_id_of(key: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the SHA-256 of the raw public key: the same key has the same id everywhere."""
    return sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def create_keys(directory: Path) -> None:
    """Makes the signing key and its public key set, unless they are there; only the owner may read the private key."""
    private_path = directory / PRIVATE_KEY_FILE
    directory.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        key = Ed25519PrivateKey.generate()
        write_new(private_path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    signing = load_pem_private_key(private_path.read_bytes(), password=None)
    if not isinstance(signing, Ed25519PrivateKey):
        raise TypeError(f"{PRIVATE_KEY_FILE} is not an Ed25519 key")
    public = signing.public_key()
    entry = {**public_jwk(public), "kid": key_id_of(public), "use": "sig", "alg": "EdDSA"}
    (directory / PUBLIC_KEYS_FILE).write_text(json.dumps({"keys": [entry]}, indent=2) + "\n")


def public_jwk(key: Ed25519PublicKey) -> dict[str, Any]:
    """The public key as a JSON Web Key (RFC 8037), without an id."""
    return OKPAlgorithm.to_jwk(key, as_dict=True)


def _claims(payload: dict[str, Any]) -> Claims:
    generation = payload.get("gen")
    session = payload.get("sid")
    name = payload.get("name")
    return Claims(
        subject=str(payload["sub"]),
        organization_id=int(payload["org"]),
        audience=Audience(payload["aud"]),
        token_id=str(payload["jti"]),
        not_before=datetime.fromtimestamp(payload["nbf"], UTC),
        expires_at=datetime.fromtimestamp(payload["exp"], UTC),
        scopes=frozenset(str(payload.get("scope", "")).split()),
        session=None if session is None else str(session),
        generation=None if generation is None else int(generation),
        name=None if name is None else str(name),
    )
