"""Signed checkpoints (C2SP signed-note, tlog-checkpoint) under one Ed25519 key, read strictly."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gate.verify.findings import StructureError, UnreadableError

NOTE_BYTES_MAX = 64 * 1024
_VKEY = re.compile(r"([^\s+]{1,512})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{44})")
_TEXT = re.compile(r"([^\s+]{1,512})\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n")
_LINE = re.compile("\u2014 ([^\\s+]{1,512}) ([A-Za-z0-9+/=]{8,8192})")


@dataclass(frozen=True, slots=True)
class LogKey:
    """The log's public key: its name, which is the log's origin, its id and the key."""

    name: str
    key_id: bytes
    public: Ed25519PublicKey

    @property
    def vkey(self) -> str:
        """The key as the auditor holds it."""
        raw = base64.b64encode(b"\x01" + self.public.public_bytes_raw()).decode()
        return f"{self.name}+{self.key_id.hex()}+{raw}"


@dataclass(frozen=True, slots=True)
class Head:
    """What a checkpoint says."""

    origin: str
    size: int
    root: bytes


def read_vkey(text: str) -> LogKey:
    """Read the key that the auditor holds. Raises UnreadableError."""
    match = _VKEY.fullmatch(text.strip())
    if match is None:
        raise UnreadableError("the log's key must be name+id+Base64")
    try:
        raw = exact_base64(match[3])
    except StructureError as error:
        raise UnreadableError("the log's key must be name+id+Base64") from error
    if len(raw) != 33 or raw[0] != 1:
        raise UnreadableError("the log's key is not Ed25519")
    key_id = sha256(match[1].encode() + b"\n" + raw).digest()[:4]
    if key_id.hex() != match[2]:
        raise UnreadableError("the log's key does not fit its own id: it was mistyped")
    return LogKey(match[1], key_id, Ed25519PublicKey.from_public_bytes(raw[1:]))


def signed_text(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Take a signed note apart: its text, and whose signatures it bears, with the key ids before them. Raises StructureError."""
    text, lines = _split(note)
    return text, [_signature(line) for line in lines]


def read_head(note: bytes) -> Head:
    """Read what a checkpoint claims, without believing it. Raises StructureError."""
    text, _ = _split(note)
    match = _TEXT.fullmatch(text)
    if match is None:
        raise StructureError("the checkpoint is not three lines: origin, size, root")
    return Head(match[1], int(match[2]), exact_base64(match[3]))


def objections(note: bytes, key: LogKey) -> list[str]:
    """Return why the checkpoint is not the log's: nothing for a good one. Signatures of others are not looked at."""
    try:
        text, lines = _split(note)
        head = read_head(note)
        mine = [raw for name, raw in map(_signature, lines) if (name, raw[:4]) == (key.name, key.key_id)]
    except StructureError as error:
        return [str(error)]
    found = [] if head.origin == key.name else [f"the checkpoint is of {head.origin}, not of {key.name}"]
    if not mine:
        found.append("the checkpoint is not signed with the log's key")
    for raw in mine:
        try:
            key.public.verify(raw[4:], text.encode())
        except InvalidSignature:
            found.append("the checkpoint's signature is not valid")
    return found


def exact_base64(text: str) -> bytes:
    """Decode Base64 that has only one spelling. Raises StructureError."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise StructureError("not Base64") from error
    if base64.b64encode(raw).decode() != text:
        raise StructureError("Base64 with loose ends")
    return raw


def _split(note: bytes) -> tuple[str, list[str]]:
    if len(note) > NOTE_BYTES_MAX:
        raise StructureError("the checkpoint is too long")
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise StructureError("the checkpoint is not UTF-8") from error
    text, gap, signatures = whole.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise StructureError("the checkpoint is not a signed note")
    return text + "\n", signatures[:-1].split("\n")


def _signature(line: str) -> tuple[str, bytes]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise StructureError("the checkpoint has a line that is no signature")
    return match[1], exact_base64(match[2])
