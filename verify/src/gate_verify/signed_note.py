"""Signed checkpoints (C2SP signed-note, tlog-checkpoint) and cosignatures on them (tlog-cosignature v1), both Ed25519, read strictly."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gate_verify.findings import StructureError, UnreadableError

NOTE_BYTES_MAX = 64 * 1024
_VKEY = re.compile(r"([^\s+]{1,512})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{44})")
_TEXT = re.compile(r"([^\s+]{1,512})\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n")
_LINE = re.compile("\u2014 ([^\\s+]{1,512}) ([A-Za-z0-9+/=]{8,8192})")
LOG, COSIGNER = 1, 4  # the signature types of signed-note and tlog-cosignature
TIME_S_MAX = 253_402_300_799  # the end of the year 9999
_TIME = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class LogKey:
    """A public key of the log or of a cosigner: its name (the log's origin for a log), its ID and the key."""

    name: str
    key_id: bytes
    public: Ed25519PublicKey
    kind: int = LOG

    @property
    def vkey(self) -> str:
        """The key in the auditor's text form."""
        raw = base64.b64encode(bytes([self.kind]) + self.public.public_bytes_raw()).decode()
        return f"{self.short}+{raw}"

    @property
    def short(self) -> str:
        """The beginning of the key's text form: enough to distinguish it."""
        return f"{self.name}+{self.key_id.hex()}"


@dataclass(frozen=True, slots=True)
class Head:
    """Content of a checkpoint."""

    origin: str
    size: int
    root: bytes


def read_vkey(text: str, kind: int = LOG) -> LogKey:
    """Parse a key that the auditor holds: the log's, or a COSIGNER's, such as the mirror's. Raises UnreadableError."""
    whose = "the log's key" if kind == LOG else "the mirror's key"
    key = read_key(text, whose)
    if key.kind != kind:
        raise UnreadableError(f"{whose} is a key of another kind: a log's and a mirror's are two")
    return key


def read_key(text: str, whose: str = "a key") -> LogKey:
    """Read a key of either kind. Raises UnreadableError."""
    match = _VKEY.fullmatch(text.strip())
    if match is None:
        raise UnreadableError(f"{whose} must be name+id+Base64")
    try:
        raw = exact_base64(match[3])
    except StructureError as error:
        raise UnreadableError(f"{whose} must be name+id+Base64") from error
    if len(raw) != 33 or raw[0] not in {LOG, COSIGNER}:
        raise UnreadableError(f"{whose} is of a kind that signs no log")
    key_id = sha256(match[1].encode() + b"\n" + raw).digest()[:4]
    if key_id.hex() != match[2]:
        raise UnreadableError(f"{whose} does not fit its own id: it was mistyped")
    return LogKey(match[1], key_id, Ed25519PublicKey.from_public_bytes(raw[1:]), raw[0])


def cosigned_s(key: LogKey, text: str, signature: bytes) -> int:
    """Return a cosignature's time in seconds since 1970. Raises InvalidSignature, and struct.error if there is none."""
    (time_s,) = _TIME.unpack_from(signature)
    key.public.verify(signature[_TIME.size :], f"cosignature/v1\ntime {time_s}\n{text}".encode())
    return int(time_s)


def signed_text(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Split a signed note into its text and its signatures, each with name and key ID. Raises StructureError."""
    text, lines = _split(note)
    return text, [_signature(line) for line in lines]


def signers_of(note: bytes, vkeys: Iterable[object]) -> set[str]:
    """Return the names of these keys with valid signatures on a note. Raises StructureError for no note, UnreadableError for no key."""
    text, lines = signed_text(note)
    signatures, found = {(name, raw[:4]): raw[4:] for name, raw in lines}, set()
    for key in (read_vkey(str(one)) for one in vkeys):
        with suppress(InvalidSignature, KeyError):
            key.public.verify(signatures[key.name, key.key_id], text.encode())
            found.add(key.vkey)
    return found


def read_head(note: bytes) -> Head:
    """Parse a checkpoint without verifying it. Raises StructureError."""
    text, _ = _split(note)
    match = _TEXT.fullmatch(text)
    if match is None:
        raise StructureError("the checkpoint is not three lines: origin, size, root")
    return Head(match[1], int(match[2]), exact_base64(match[3]))


def objections(note: bytes, key: LogKey) -> list[str]:
    """Return why the checkpoint is not the log's; empty if it is valid. Other signatures are ignored."""
    try:
        head = read_head(note)
        text, signatures = signed_text(note)
    except StructureError as error:
        return [str(error)]
    found = [] if head.origin == key.name else [f"the checkpoint is of {head.origin}, not of {key.name}"]
    mine = [raw for name, raw in signatures if (name, raw[:4]) == (key.name, key.key_id)]
    if not mine:
        found.append("the checkpoint is not signed with the log's key")
    for raw in mine:
        try:
            key.public.verify(raw[4:], text.encode())
        except InvalidSignature:
            found.append("the checkpoint's signature is not valid")
    return found


def exact_base64(text: str | bytes | memoryview) -> bytes:
    """Decode canonical Base64. Raises StructureError."""
    spelt = text.encode("ascii", "replace") if isinstance(text, str) else text
    try:
        raw = binascii.a2b_base64(spelt)
    except ValueError as error:
        raise StructureError("not Base64") from error
    # b64decode skips characters outside of the alphabet and stops at the first padding: then too few bytes result. The last four
    # characters give the number of bytes, and show whether all of their bits are used.
    odd = len(raw) % 3
    if len(spelt) != 4 * -(-len(raw) // 3) or (odd and binascii.b2a_base64(raw[-odd:], newline=False) != spelt[-4:]):
        raise StructureError("not Base64, or with loose ends")
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
