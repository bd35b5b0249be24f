"""Opening sealed records, for the holder of an auditor's identity. Runs on the auditor's machine, never on a gate.

Checks that each body and key is the one that its header names; whether the headers are the log's is the verifier's to say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyrage
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gate.audit.errors import BadFormatError, SealError
from gate.audit.record import Header
from gate.audit.sealing import KEY_BYTES, NONCE_BYTES

IDENTITY_FILE_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class OpenedRecord:
    """A record in clear: its envelope, as the log wrote it, and what the sender put into it."""

    kind: str
    crossing: str | None
    time: str
    monotonic_ms: int
    boot: str
    id: str
    body: dict[str, Any]


class Unsealer:
    """Opens records with the identities of one auditor. Remembers the opened keys. Has no useful repr."""

    def __init__(self, identities: Sequence[pyrage.x25519.Identity]) -> None:
        self._identities = list(identities)
        self._secrets: dict[str, bytes] = {}

    @classmethod
    def from_file(cls, path: Path) -> Unsealer:
        """Read an age identity file. Raises BadFormatError and OSError."""
        with path.open("rb") as file:
            raw = file.read(IDENTITY_FILE_BYTES_MAX)
        try:
            lines = [line.strip() for line in raw.decode("ascii").splitlines()]
            found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
        except (UnicodeDecodeError, pyrage.IdentityError) as error:
            raise BadFormatError(f"{path.name} is no age identity file") from error
        if not found:
            raise BadFormatError(f"{path.name} holds no identity")
        return cls(found)

    def learn(self, wrapped: bytes) -> None:
        """Open an age file for the records that follow. Raises SealError when it was not wrapped to this auditor."""
        try:
            secret = bytes(pyrage.decrypt(wrapped, self._identities))
        except pyrage.DecryptError as error:
            raise SealError("the records are not sealed for this identity") from error
        if len(secret) != KEY_BYTES:
            raise SealError("an age file of the log holds something else than a key")
        self._secrets[hashlib.sha256(wrapped).hexdigest()] = secret

    def open(self, header: Header, sealed: bytes) -> OpenedRecord | None:
        """Open a record; None when its key was erased. Raises SealError."""
        secret = self._secrets.get(header.key)
        if secret is None:
            return None
        if hashlib.sha256(sealed).hexdigest() != header.sealed:
            raise SealError(f"the sealed body of record {header.index} is not the one that was logged")
        try:
            plain = AESGCM(secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], header.bound())
            envelope, _, body = plain.partition(b"\n")
            return msgspec.convert({**json.loads(envelope), "body": json.loads(body)}, OpenedRecord)
        except (InvalidTag, ValueError, TypeError, msgspec.ValidationError) as error:
            raise SealError(f"the body of record {header.index} does not open") from error
