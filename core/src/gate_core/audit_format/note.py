"""Signed notes (C2SP signed-note) and cosignatures (C2SP tlog-cosignature, `cosignature/v1`), both Ed25519, read strictly.

A key has a name and an id. A public key is written as `vkey` (`name+id+base64`), as in Go's note package. Decoding is
strict: only the canonical encoding is accepted. Left to callers: which keys to trust, and the text's meaning.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gate_core.audit_format.errors import BadFormatError, BadSignatureError

NOTE_BYTES_MAX = 64 * 1024
SIGNATURES_MAX = 64
KEY_TEXT_MAX = 1024
TIMESTAMP_S_MAX = 2**63 - 1
_PRIVATE_PREFIX = "PRIVATE+KEY+"
_TIMESTAMP = struct.Struct(">Q")


class Algorithm(enum.IntEnum):
    """The supported signature types of C2SP signed-note."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04


def decode_base64(text: str) -> bytes:
    """Decode canonical standard Base64. Raises BadFormatError."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadFormatError("not Base64") from error
    if base64.b64encode(raw).decode() != text:
        raise BadFormatError("Base64 with loose ends")
    return raw


def encode_base64(raw: bytes) -> str:
    """Encode as standard Base64."""
    return base64.b64encode(raw).decode()


@dataclass(frozen=True, slots=True)
class Verifier:
    """A named public key."""

    name: str
    algorithm: Algorithm
    public_key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public_key) != 32:
            raise BadFormatError("an Ed25519 public key has 32 bytes")

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Read a vkey. Raises BadFormatError."""
        name, key_id, raw = _split_key(vkey.strip())
        verifier = cls(name, _algorithm(raw[:1]), raw[1:])
        if verifier.key_id.hex() != key_id:
            raise BadFormatError(f"the key of {name} has another id")
        return verifier

    @property
    def key_id(self) -> bytes:
        """The key's id in signatures, four bytes."""
        digest = hashlib.sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public_key)
        return digest.digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as one line of text, for auditors."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.algorithm]) + self.public_key)}"

    def verify(self, text: str, signature: bytes) -> int | None:
        """Check a signature; return a cosignature's time in seconds since 1970. Raises BadSignatureError."""
        timestamp_s = None
        message = text.encode()
        if self.algorithm is Algorithm.COSIGNATURE_V1:
            if len(signature) != _TIMESTAMP.size + 64:
                raise BadSignatureError(f"the cosignature of {self.name} has another length")
            (timestamp_s,) = _TIMESTAMP.unpack_from(signature)
            if timestamp_s > TIMESTAMP_S_MAX:
                raise BadSignatureError(f"the cosignature of {self.name} has an impossible time")
            message, signature = _cosigned(text, timestamp_s), signature[_TIMESTAMP.size :]
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise BadSignatureError(f"the signature of {self.name} is not valid") from error
        return timestamp_s


class Signer:
    """A named private key, which repr does not show."""

    def __init__(self, name: str, seed: bytes, algorithm: Algorithm = Algorithm.ED25519) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._seed = seed
        self.verifier = Verifier(name, algorithm, self._key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"Signer({self.verifier.name!r})"

    @classmethod
    def generate(cls, name: str, algorithm: Algorithm = Algorithm.ED25519) -> Signer:
        """Make a new key."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw(), algorithm)

    @classmethod
    def parse(cls, text: str) -> Signer:
        """Decode `secret_text`. Raises BadFormatError, without the text in its message."""
        text = text.strip()
        if not text.startswith(_PRIVATE_PREFIX):
            raise BadFormatError("not a private note key")
        name, key_id, raw = _split_key(text.removeprefix(_PRIVATE_PREFIX))
        if len(raw) != 33:
            raise BadFormatError("an Ed25519 private key has 32 bytes")
        signer = cls(name, raw[1:], _algorithm(raw[:1]))
        if signer.verifier.key_id.hex() != key_id:
            raise BadFormatError(f"the private key of {name} has another id")
        return signer

    def secret_text(self) -> str:
        """Return the private key as one line, in the format of Go's note package. For a key file only."""
        verifier = self.verifier
        raw = encode_base64(bytes([verifier.algorithm]) + self._seed)
        return f"{_PRIVATE_PREFIX}{verifier.name}+{verifier.key_id.hex()}+{raw}"

    def sign(self, text: str) -> Signature:
        """Sign a note's text with a log's key."""
        if self.verifier.algorithm is not Algorithm.ED25519:
            raise ValueError("a cosigner's key signs with cosign()")
        return Signature(self.verifier.name, self.verifier.key_id, self._key.sign(text.encode()))

    def cosign(self, text: str, timestamp_s: int) -> Signature:
        """Sign a checkpoint's text with a witness's or mirror's key; `timestamp_s` in seconds since 1970."""
        if self.verifier.algorithm is not Algorithm.COSIGNATURE_V1:
            raise ValueError("a log's key signs with sign()")
        raw = _TIMESTAMP.pack(timestamp_s) + self._key.sign(_cosigned(text, timestamp_s))
        return Signature(self.verifier.name, self.verifier.key_id, raw)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's name and id, and the signature (of a cosignature, after 8 bytes of time)."""

    name: str
    key_id: bytes
    raw: bytes

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Read a signature line without its newline. Raises BadFormatError."""
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        raw = decode_base64(encoded)
        if dash != "\u2014" or len(raw) < 5:
            raise BadFormatError("not a signature line")
        check_name(name)
        return cls(name, raw[:4], raw[4:])

    @property
    def line(self) -> str:
        """The signature line without its newline."""
        return f"\u2014 {self.name} {encode_base64(self.key_id + self.raw)}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, ending in a newline, and its signatures. Trust the text only after `verify`."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, raw: bytes) -> Note:
        """Read a signed note. Raises BadFormatError."""
        if len(raw) > NOTE_BYTES_MAX:
            raise BadFormatError(f"a note of {len(raw)} bytes exceeds {NOTE_BYTES_MAX}")
        try:
            whole = raw.decode()
        except UnicodeDecodeError as error:
            raise BadFormatError("a note is UTF-8") from error
        if any(char < " " and char != "\n" for char in whole):
            raise BadFormatError("a note has no control characters")
        text, found, lines = whole.rpartition("\n\n")
        if not found or not lines.endswith("\n"):
            raise BadFormatError("a note is a text, an empty line and signature lines")
        signatures = lines[:-1].split("\n")
        if len(signatures) > SIGNATURES_MAX:
            raise BadFormatError(f"a note has {SIGNATURES_MAX} signatures at most")
        return cls(text + "\n", tuple(Signature.parse(line) for line in signatures))

    def to_bytes(self) -> bytes:
        """Encode the signed note."""
        return (self.text + "\n" + "".join(one.line + "\n" for one in self.signatures)).encode()

    def verify(self, verifier: Verifier) -> int | None:
        """Check that `verifier`'s key signed the text; return a cosignature's time in seconds since 1970.

        Every signature with that name and id must be valid; others are ignored (C2SP signed-note). Raises BadSignatureError.
        """
        found = [one for one in self.signatures if (one.name, one.key_id) == (verifier.name, verifier.key_id)]
        if not found:
            raise BadSignatureError(f"no signature of {verifier.name}+{verifier.key_id.hex()}")
        return [verifier.verify(self.text, one.raw) for one in found][-1]

    def verify_any(self, verifiers: Iterable[Verifier]) -> None:
        """Check that at least one of these keys signed the text. Raises BadSignatureError."""
        objection = BadSignatureError("no key is known that could have signed")
        for verifier in verifiers:
            try:
                self.verify(verifier)
            except BadSignatureError as error:
                objection = error
            else:
                return
        raise objection

    def with_signatures(self, more: Sequence[Signature]) -> Note:
        """Return the note with more signatures, without duplicates."""
        return Note(self.text, tuple(dict.fromkeys((*self.signatures, *more))))


def check_name(name: str) -> None:
    """Raise BadFormatError for an invalid key name."""
    # isprintable excludes all other white space.
    if not name or "+" in name or " " in name or not name.isprintable():
        raise BadFormatError("a key's name has no spaces, no plus and is not empty")


def _cosigned(text: str, timestamp_s: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp_s}\n{text}".encode()


def _split_key(text: str) -> tuple[str, str, bytes]:
    """Split `name+id+base64`."""
    parts = text.split("+", 2)
    if len(text) > KEY_TEXT_MAX or len(parts) != 3:
        raise BadFormatError("a note key is name+id+base64")
    return parts[0], parts[1], decode_base64(parts[2])


def _algorithm(raw: bytes) -> Algorithm:
    try:
        return Algorithm(int.from_bytes(raw))
    except ValueError as error:
        raise BadFormatError("a key of an unknown algorithm") from error
