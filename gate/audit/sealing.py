"""Sealing the bodies of records so that only auditors can open them.

A crossing's bodies are sealed with AES-256-GCM under one random key. The key is wrapped with age (X25519) to every
auditor and kept in memory only; the gate holds no identity, so it cannot read back what it wrote. Deleting the wrapped
key erases the crossing. A body is bound to its header, so it cannot be moved to another record, and padded, so that its
length says little. When keys are dropped is decided by `KeyRing`; where wrapped keys are kept is left
to the store, opening to `gate.audit.unsealing`, which the gate does not run.
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pyrage
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gate.audit.errors import BadFormatError, SealError
from gate.audit.record import VERSION, Happening, Header, canonical_json

KEY_BYTES = 32
NONCE_BYTES = 12
BODY_BYTES_MAX = 48 * 1024
PADDING_BYTES = 256
KEYS_MAX = 64  # crossings in flight; at the limit the oldest key is dropped and its crossing gets another one
KEY_LINGERS_MS = 300_000  # after `closed`, for the officer's disposition
LONE_RECORDS_MAX = 64  # records without a crossing share a key up to this many


@dataclass(frozen=True, slots=True)
class CrossingKey:
    """A body key and its age file. Redacts itself."""

    secret: bytes
    wrapped: bytes

    @property
    def id(self) -> str:
        """The SHA-256 of the age file in hex: what headers and file names call it."""
        return hashlib.sha256(self.wrapped).hexdigest()

    def __repr__(self) -> str:
        return f"CrossingKey({self.id[:8]}…)"


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A record ready for the log: the header (the leaf) and the sealed body (nonce, ciphertext, tag)."""

    header: Header
    sealed: bytes


class Sealer:
    """Makes keys for the auditors and seals bodies with them."""

    def __init__(self, recipients: Sequence[str]) -> None:
        if not recipients:
            raise SealError("no auditor is configured; set audit.recipients")
        try:
            self._recipients = [pyrage.x25519.Recipient.from_str(one) for one in recipients]
        except pyrage.RecipientError as error:
            raise SealError("audit.recipients holds what is no age recipient") from error

    def new_key(self) -> CrossingKey:
        """Make a key and wrap it to every auditor."""
        secret = os.urandom(KEY_BYTES)
        return CrossingKey(secret, pyrage.encrypt(secret, self._recipients))


def encode_body(body: dict[str, Any]) -> bytes:
    """Write a body as it is sealed: canonical JSON, padded with spaces. Raises BadFormatError."""
    plain = canonical_json(body)
    if len(plain) > BODY_BYTES_MAX:
        raise BadFormatError(f"a body of {len(plain)} bytes exceeds {BODY_BYTES_MAX}")
    return plain.ljust(-(-len(plain) // PADDING_BYTES) * PADDING_BYTES)


def seal(happening: Happening, plain: bytes, *, index: int, key: CrossingKey) -> SealedRecord:
    """Seal an encoded body at its place in the log."""
    header = Header(
        v=VERSION,
        index=index,
        time=happening.time,
        kind=happening.kind,
        crossing=happening.crossing,
        monotonic_ms=happening.monotonic_ms,
        boot=happening.boot,
        sealed="",
        key=key.id,
    )
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + AESGCM(key.secret).encrypt(nonce, plain, header.bound())
    digest = hashlib.sha256(sealed).hexdigest()
    return SealedRecord(msgspec.structs.replace(header, sealed=digest), sealed)


class KeyRing:
    """The body keys in memory: one a crossing until it is closed and its officer had time, one a batch of lone records."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._keys: OrderedDict[str, CrossingKey] = OrderedDict()
        self._drop_at_ms: dict[str, int] = {}
        self._lone: CrossingKey | None = None
        self._lone_records = 0

    def __len__(self) -> int:
        return len(self._keys)

    def key_for(self, happening: Happening, now_ms: int) -> CrossingKey:
        """Return the key that seals this record, making one when there is none."""
        self.drop_old(now_ms)
        if happening.crossing is None:
            return self._lone_key()
        key = self._keys.get(happening.crossing)
        if key is None:
            if len(self._keys) >= KEYS_MAX:
                self._drop(next(iter(self._keys)))
            key = self._keys[happening.crossing] = self._sealer.new_key()
        if happening.kind == "closed":
            self._drop_at_ms[happening.crossing] = now_ms + KEY_LINGERS_MS
        elif happening.kind == "disposition":
            self._drop_at_ms[happening.crossing] = now_ms
        return key

    def drop_old(self, now_ms: int) -> None:
        """Forget the keys of crossings that ended long enough ago."""
        for crossing in [one for one, at_ms in self._drop_at_ms.items() if at_ms <= now_ms]:
            self._drop(crossing)

    def drop_all(self) -> None:
        """Forget every key."""
        self._keys.clear()
        self._drop_at_ms.clear()
        self._lone = None

    def _drop(self, crossing: str) -> None:
        self._keys.pop(crossing, None)
        self._drop_at_ms.pop(crossing, None)

    def _lone_key(self) -> CrossingKey:
        if self._lone is None or self._lone_records >= LONE_RECORDS_MAX:
            self._lone, self._lone_records = self._sealer.new_key(), 0
        self._lone_records += 1
        return self._lone
