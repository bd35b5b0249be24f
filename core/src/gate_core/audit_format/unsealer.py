"""Opening sealed records with an auditor's identity, on the auditor's machine. Why a record does not open is a value."""

from __future__ import annotations

import enum
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import pyrage
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import Signer
from gate_core.audit_format.record import MONOTONIC_MS_MAX, Header, recipients_digest
from gate_core.audit_format.sealer import KEY_BYTES, NONCE_BYTES

IDENTITY_FILE_BYTES_MAX = 64 * 1024
_STANZA = re.compile(rb"^-> ([!-~]+)", re.MULTILINE)


class OpenedRecord(msgspec.Struct, frozen=True):
    """A decrypted record: its envelope (the metadata in the first line) and the sender's body."""

    kind: str
    crossing: str | None
    time: str
    monotonic_ms: Annotated[int, msgspec.Meta(ge=0, le=MONOTONIC_MS_MAX)]
    boot: str
    id: str
    body: dict[str, object] = {}


class Closed(enum.Enum):
    """Reasons why a record does not open."""

    ERASED = "the key was erased; the time is the hour"
    FOREIGN = "the key is wrapped for others than this identity; the time is the hour"
    NO_KEY = "the age file holds something else than a key; the time is the hour"
    OTHER_BODY = "the sealed body is not the one that was logged; the time is the hour"
    UNREADABLE = "the sealed body does not open with its key; the time is the hour"

    @property
    def is_damage(self) -> bool:
        """True where somebody changed something, or the log did not write what it should have."""
        return self not in {Closed.ERASED, Closed.FOREIGN}


class Unsealer:
    """Opens records with the identities of one auditor. Remembers the opened keys, and in `readers` for how many each age file is and which of the
    identities do not open it, by the SHA-256 of their recipients. Has no useful repr.
    """

    def __init__(self, identities: Sequence[pyrage.x25519.Identity]) -> None:
        self._identities = {recipients_digest([str(one.to_public())])[1][0]: one for one in identities}
        self.readers: dict[str, tuple[int, frozenset[str]]] = {}
        self._secrets: dict[str, bytes | Closed] = {}

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

    def signer(self) -> Signer:
        """The key that this auditor's access notes are signed with, made of the first identity; its name is that identity's recipient."""
        identity = next(iter(self._identities.values()))
        seed = HKDF(SHA256(), 32, salt=None, info=b"portcullis access note").derive(str(identity).encode())
        return Signer(str(identity.to_public()), seed)

    def learn(self, wrapped: bytes) -> bool:
        """Take an age file for the records that follow; False when it does not open with this auditor's identities."""
        key_id, shut = hashlib.sha256(wrapped).hexdigest(), set[str]()
        if key_id in self._secrets:
            return isinstance(self._secrets[key_id], bytes)
        found: bytes | Closed = Closed.FOREIGN
        for name, identity in self._identities.items():
            try:
                secret = bytes(pyrage.decrypt(wrapped, [identity]))
            except pyrage.DecryptError:
                shut.add(name)
            else:
                found = secret if len(secret) == KEY_BYTES else Closed.NO_KEY
        self._secrets[key_id], self.readers[key_id] = found, (readers_of(wrapped), frozenset(shut))
        return isinstance(found, bytes)

    def open(self, header: Header, sealed: bytes) -> OpenedRecord | Closed:
        """Open a record, or return why it does not open."""
        secret = self._secrets.get(header.key, Closed.ERASED)
        if isinstance(secret, Closed):
            return secret
        if hashlib.sha256(sealed).hexdigest() != header.sealed:
            return Closed.OTHER_BODY
        try:
            plain = AESGCM(secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], header.bound())
            envelope, _, body = plain.partition(b"\n")
            known = msgspec.json.decode(envelope, type=OpenedRecord)
            fields = json.loads(body.rstrip(b" "))  # whatever a lane may have spelt
        except (InvalidTag, ValueError, RecursionError):  # as msgspec's errors are
            return Closed.UNREADABLE
        if not isinstance(fields, dict):
            return Closed.UNREADABLE
        return msgspec.structs.replace(known, body=fields)


def readers_of(wrapped: bytes) -> int:
    """For how many readers an age file is: its stanzas, of whatever kind, but for one without meaning that the gate's library adds to each file."""
    kinds = _STANZA.findall(wrapped.partition(b"\n---")[0])
    return len(kinds) - any(kind.endswith(b"-grease") for kind in kinds)
