"""Signed text: 64 bytes of Ed25519 signature, then one JSON object in canonical form (RFC 8785).

The signed message is the kind's line (`portcullis-order/2`, a line feed) and the text, so that a signature is valid for
one kind and version only. Texts have strings, integers, true, false, null, lists and objects. A decoded text must
encode to the same bytes. Left to `certificate` and `order`: the text's meaning.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gate_core.orders.errors import ForgedError, MalformedError

SIGNATURE_BYTES: Final = 64
KEY_BYTES: Final = 32

GateId = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
Key = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9+/]{43}=\Z")]
Moment = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class Kind(NamedTuple):
    """A kind of signed text, its format's version, and the maximum length of signature and text."""

    name: str
    version: int
    bytes_max: int = 0

    def __str__(self) -> str:
        return self.name


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the signed texts."""


Signable = TypeVar("Signable", bound=Text)


def sign(text: Text, key: Ed25519PrivateKey, *, kind: Kind) -> bytes:
    """Return signature and text. Raises MalformedError if the text is too long or a value is out of range."""
    body = _encode(text)
    if SIGNATURE_BYTES + len(body) > kind.bytes_max:
        raise MalformedError(f"longer than the {kind.bytes_max} bytes of a {kind}")
    read(body, type(text), kind=kind)  # never sign a text that reading would refuse
    return key.sign(_message(kind, body)) + body


def split(raw: bytes, *, kind: Kind) -> tuple[bytes, bytes]:
    """Split into signature and text. Raises MalformedError for an impossible length."""
    if not SIGNATURE_BYTES < len(raw) <= kind.bytes_max:
        raise MalformedError(f"no {kind} has {len(raw)} bytes")
    return raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]


def read(body: bytes, of: type[Signable], *, kind: Kind) -> Signable:
    """Decode a canonical text. Raises MalformedError."""
    try:
        text = msgspec.json.decode(body, type=of)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"no {kind}: {error}") from error
    if _encode(text) != body:
        raise MalformedError(f"a {kind} in another spelling")
    return text


def require(signature: bytes, body: bytes, public: bytes, *, kind: Kind) -> None:
    """Raise ForgedError unless this key signed this text as this kind."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _message(kind, body))
    except (InvalidSignature, ValueError) as error:
        raise ForgedError(f"the signature of the {kind} does not hold") from error


def _encode(text: Text) -> bytes:
    try:
        return msgspec.json.encode(text, order="sorted")
    except (UnicodeEncodeError, OverflowError) as error:
        raise MalformedError("text that is no Unicode") from error


def _message(kind: Kind, body: bytes) -> bytes:
    return f"portcullis-{kind.name}/{kind.version}\n".encode() + body
