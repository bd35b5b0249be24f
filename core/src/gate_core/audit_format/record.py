"""What stands in a leaf of the log: a header in clear (canonical JSON), with the hashes of what is sealed beside it.

In clear are class, hour and log. What happened, in which crossing and when exactly is sealed: bodies and keys can be erased, proofs stay.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.resume_state import Approved

VERSION = 3
BEFORE_RECIPIENTS = 2  # headers of logs, and parts of logs, from before they named whom a record is sealed for
HEADER_BYTES_MAX = 1024
MONOTONIC_MS_MAX = 2**53 - 1  # so that every JSON reader sees the same number
APPEND_ID_BYTES = 16
_KIND = re.compile(r"[a-z][a-z_]{0,39}")
_CLASS = re.compile(r"crossing|device|administration")
_CROSSING = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BOOT = re.compile(r"[0-9a-f-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_HOUR = re.compile(r"\d{4}-\d\d-\d\dT\d\d:00:00Z")
_ORIGIN = re.compile(r"[!#-*,-\[\]-~]{1,512}")  # printable ASCII that JSON writes as it is; a key's name has no plus


@dataclass(frozen=True, slots=True)
class Happening:
    """What a program wants recorded, before it has a place in the log. `id` is the append's own, given by who appends.

    Whether it leads to an admission, ends its crossing, leaves it waiting for an officer or is urgent is the sender's word: nothing here
    knows kinds.
    """

    id: bytes
    kind: str
    about: str
    crossing: str | None
    monotonic_ms: int
    boot: str
    time: str  # RFC 3339 UTC with milliseconds
    leads_to_admission: bool = False
    ends_crossing: bool = False
    urgent: bool = False  # it frees somebody, ends a crossing, or says what became of one
    remember: bytes = b""  # for the sender's next start; it stands in no record
    awaits_officer: bool = False
    approved: Approved | None = None
    accepts_head: bool = False  # somebody answers for the log as this boot found it

    def __post_init__(self) -> None:
        _check(_KIND, "kind", self.kind)
        _check(_CLASS, "class", self.about)
        _check(_BOOT, "boot", self.boot)
        _check(_TIME, "time", self.time)
        if self.crossing is not None:
            _check(_CROSSING, "crossing", self.crossing)
        if (self.about == "crossing") is (self.crossing is None):
            raise BadFormatError("a record is of class crossing if it belongs to one, and only then")
        if not 0 <= self.monotonic_ms <= MONOTONIC_MS_MAX:
            raise BadFormatError("monotonic_ms is out of range")
        if len(self.id) != APPEND_ID_BYTES:
            raise BadFormatError(f"an append's id has {APPEND_ID_BYTES} bytes")

    @property
    def day(self) -> str:
        """The day that the header's hour lies in."""
        return self.time[:10]

    @property
    def hour(self) -> str:
        """The hour that the header says."""
        return f"{self.time[:13]}:00:00Z"

    def envelope(self) -> bytes:
        """The first line of the sealed body: what the log knows of a record beside what it holds."""
        return canonical_json(
            {
                "boot": self.boot,
                "crossing": self.crossing,
                "id": self.id.hex(),
                "kind": self.kind,
                "monotonic_ms": self.monotonic_ms,
                "time": self.time,
            }
        )


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The leaf. `sealed` and `key` are SHA-256 in hex: of the sealed body, and of the age file with its key. `recipients` is the digest of the set
    that the age file is for (`recipients_digest`), empty in version 2.
    """

    v: int
    index: int
    about: str = msgspec.field(name="class")
    hour: str
    origin: str
    sealed: str
    key: str
    recipients: str = ""

    @classmethod
    def parse(cls, leaf: bytes) -> Header:
        """Read a leaf strictly: the one spelling of a header of this version. Raises BadFormatError."""
        if len(leaf) > HEADER_BYTES_MAX:
            raise BadFormatError(f"a header of {len(leaf)} bytes exceeds {HEADER_BYTES_MAX}")
        try:
            header = msgspec.json.decode(leaf, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadFormatError(f"not a header: {error}") from error
        if header.v not in {VERSION, BEFORE_RECIPIENTS}:
            raise BadFormatError(f"a header of version {header.v}, not {VERSION}")
        if header.v == VERSION:
            _check(_HASH, "recipients", header.recipients)
        elif header.recipients:
            raise BadFormatError(f"a header of version {header.v} names no recipients")
        _check(_CLASS, "class", header.about)
        _check(_HOUR, "hour", header.hour)
        _check(_ORIGIN, "origin", header.origin)
        _check(_HASH, "sealed", header.sealed)
        _check(_HASH, "key", header.key)
        if header.index < 0 or header.leaf() != leaf:
            raise BadFormatError("a header has one spelling")
        return header

    def leaf(self) -> bytes:
        """Write the leaf."""
        return msgspec.json.encode(self, order="sorted")

    def bound(self) -> bytes:
        """Return what the sealed body is bound to: the header without `sealed`, which depends on the body."""
        bare = msgspec.structs.replace(self, sealed="") if self.sealed else self
        return bare.leaf().replace(b'"sealed":"",', b"")


def recipients_digest(recipients: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """The digest of a set of age recipients, and the hashes that it is made of: SHA-256 in hex of each recipient, in order, joined by line feeds."""
    hashes = sorted({hashlib.sha256(one.encode()).hexdigest() for one in recipients})
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest(), tuple(hashes)


def check_origin(origin: str) -> None:
    """Raise BadFormatError for a log's name that no header can hold."""
    _check(_ORIGIN, "origin", origin)


def canonical_json(value: Mapping[str, object]) -> bytes:
    """Write JSON in its one spelling: keys in order, no spaces, ASCII, no NaN. Raises BadFormatError."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise BadFormatError("not JSON") from error


def is_hour(text: str) -> bool:
    """True for an hour of a header that there is."""
    try:
        return _HOUR.fullmatch(text) is not None and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def time_text(moment: datetime) -> str:
    """Write a time as RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _check(pattern: re.Pattern[str], name: str, value: str) -> None:
    if pattern.fullmatch(value) is None:
        raise BadFormatError(f"{name} is not as the format says")
