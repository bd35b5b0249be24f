"""Seals the bodies of records so that only auditors can open them.

The bodies of a crossing are encrypted with AES-256-GCM under one random key, kept in memory only and wrapped with age
(X25519) for every auditor. The gate has no identity, so it cannot decrypt its records. Deleting the wrapped key erases
the crossing. A body is bound to its header, and padded to one of three lengths to hide its length. `KeyRing` drops
keys. Left to others: storage of wrapped keys, and opening (`gate_core.audit_format.unsealer`, not run on the gate).
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec
import pyrage
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gate_core.audit_format.errors import BadFormatError, SealError
from gate_core.audit_format.record import VERSION, Happening, Header, recipients_digest

KEY_BYTES = 32
NONCE_BYTES = 12
# The lengths of a plaintext. A crossing's records fit the first, except the decision, which always uses the second.
# The third is a reserve. Two records of the first fit a database page. See docs/decisions/0009-the-record-format.md.
PLAIN_BYTES = (1536, 8192, 49152)
_BODY = re.compile(rb"\{[ -~]*\}")  # one line of printable ASCII: it cannot imitate another envelope
KEYS_MAX = 64  # concurrent crossings; at the limit the oldest key is dropped, and its crossing gets another one
KEY_LINGERS_MS = 300_000  # after a crossing ended, for the officer's disposition, which ends it again
READY_MAX = 12  # unused keys in stock: one per crossing of the longest append
LONE_RECORDS_MAX = 64  # maximum number of records of a class, without crossing, under one key


@dataclass(frozen=True)
class CrossingKey:
    """A body key, its age file, and the digest of its recipients. repr does not show the key."""

    secret: bytes
    wrapped: bytes
    recipients: str

    @cached_property
    def id(self) -> str:
        """SHA-256 of the age file in hex, used in headers and file names."""
        return hashlib.sha256(self.wrapped).hexdigest()

    def __repr__(self) -> str:
        return f"CrossingKey({self.id[:8]}…)"


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A record ready for the log: the header (leaf), the sealed body (nonce, ciphertext, tag), and its source."""

    header: Header
    sealed: bytes
    happening: Happening


class Sealer:
    """Generates body keys, wrapped for the auditors. Raises SealError for missing or invalid recipients."""

    def __init__(self, recipients: Sequence[str]) -> None:
        if not recipients:
            raise SealError("no auditor is configured; set audit.recipients")
        try:
            self._recipients = [pyrage.x25519.Recipient.from_str(one) for one in dict.fromkeys(recipients)]
        except pyrage.RecipientError as error:
            raise SealError("audit.recipients holds what is no age recipient") from error
        self._digest, _ = recipients_digest(recipients)

    def new_key(self) -> CrossingKey:
        """Generate a key and wrap it for every auditor."""
        secret = os.urandom(KEY_BYTES)
        return CrossingKey(secret, pyrage.encrypt(secret, self._recipients), self._digest)


def plaintext(happening: Happening, body: bytes, bytes_min: int = 0) -> bytes:
    """Return the plaintext: envelope, line feed, the sender's body, padding spaces. Raises BadFormatError."""
    if _BODY.fullmatch(body) is None:
        raise BadFormatError("a body is one line of ASCII, an object in JSON")
    plain = happening.envelope() + b"\n" + body
    for length in PLAIN_BYTES:
        if max(len(plain), bytes_min) <= length:
            return plain.ljust(length)
    raise BadFormatError(f"a body of {len(plain)} bytes exceeds {PLAIN_BYTES[-1]}")


def seal(happening: Happening, plain: bytes, *, origin: str, index: int, key: CrossingKey) -> SealedRecord:
    """Seal a padded plaintext for its index in the log."""
    header = Header(
        v=VERSION,
        index=index,
        about=happening.about,
        hour=happening.hour,
        origin=origin,
        sealed="",
        key=key.id,
        recipients=key.recipients,
    )
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + AESGCM(key.secret).encrypt(nonce, plain, header.bound())
    digest = hashlib.sha256(sealed).hexdigest()
    return SealedRecord(msgspec.structs.replace(header, sealed=digest), sealed, happening)


@dataclass(slots=True)
class _Held:
    key: CrossingKey
    day: str
    records: int = 0


class KeyRing:
    """The body keys in memory: one per crossing, until KEY_LINGERS_MS after its end, and one per batch of other records
    of a class. A key seals records of one day only, since retention deletes keys by day.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._ready: list[CrossingKey] = []
        self._keys: OrderedDict[str, _Held] = OrderedDict()
        self._drop_at_ms: dict[str, int] = {}
        self._next_drop_ms: float = math.inf  # time of the next key to drop
        self._lone: dict[str, _Held] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def key_for(self, happening: Happening, now_ms: int) -> CrossingKey:
        """Return the key for this record; generate one if needed."""
        self.drop_old(now_ms)
        if happening.crossing is None:
            return self._lone_key(happening)
        held = self._keys.get(happening.crossing)
        if held is None and len(self._keys) >= KEYS_MAX:
            self._drop(next(iter(self._keys)))
        if held is None or held.day != happening.day:
            held = self._keys[happening.crossing] = _Held(self._new_key(), happening.day)
        if happening.leads_to_admission:
            self._drop_at_ms.pop(happening.crossing, None)  # open again: an officer admits the traveller
        if happening.ends_crossing:
            has_ended = happening.crossing in self._drop_at_ms
            drop_at_ms = now_ms + (0 if has_ended else KEY_LINGERS_MS)
            self._drop_at_ms[happening.crossing] = drop_at_ms
            self._next_drop_ms = min(self._next_drop_ms, drop_at_ms)
        return held.key

    def make_ready(self) -> None:
        """Fill the stock of keys. Call it when idle: wrapping a key takes longer than the rest of a record."""
        while len(self._ready) < READY_MAX:
            self._ready.append(self._sealer.new_key())

    def drop_old(self, now_ms: int) -> None:
        """Drop the keys of crossings that ended KEY_LINGERS_MS ago."""
        if now_ms < self._next_drop_ms:
            return
        for crossing in [one for one, at_ms in self._drop_at_ms.items() if at_ms <= now_ms]:
            self._drop(crossing)
        self._next_drop_ms = min(self._drop_at_ms.values(), default=math.inf)

    def holds(self, key_id: str) -> bool:
        """True if this key may seal another record."""
        return any(one.key.id == key_id for one in (*self._keys.values(), *self._lone.values()))

    def drop_keys(self, ids: Collection[str]) -> None:
        """Drop these keys; open crossings continue with new ones."""
        for crossing in [name for name, held in self._keys.items() if held.key.id in ids]:
            del self._keys[crossing]
        for about in [name for name, held in self._lone.items() if held.key.id in ids]:
            del self._lone[about]

    def drop_all(self) -> None:
        """Drop every key."""
        self._ready.clear()
        self._keys.clear()
        self._drop_at_ms.clear()
        self._lone.clear()

    def _new_key(self) -> CrossingKey:
        return self._ready.pop() if self._ready else self._sealer.new_key()

    def _drop(self, crossing: str) -> None:
        self._keys.pop(crossing, None)
        self._drop_at_ms.pop(crossing, None)

    def _lone_key(self, happening: Happening) -> CrossingKey:
        held = self._lone.get(happening.about)
        if held is None or held.day != happening.day or held.records >= LONE_RECORDS_MAX:
            held = self._lone[happening.about] = _Held(self._new_key(), happening.day)
        held.records += 1
        return held.key
