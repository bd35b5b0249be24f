"""The leaf of a log record: a small header in clear text, with the hashes of the sealed body and its key.

The header has class, hour, log, and the hashes of the sealed body and of the wrapped key. Kind, crossing and exact time
are sealed. So bodies and keys can be erased while every proof stays valid. A header is canonical JSON: sorted keys, no
spaces, ASCII.
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
BEFORE_RECIPIENTS = 2  # older headers, without `recipients`
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
_ORIGIN = re.compile(r"[!#-*,-\[\]-~]{1,512}")  # printable ASCII without JSON escapes; a key's name has no plus


@dataclass(frozen=True, slots=True)
class Happening:
    """An event to record, not yet in the log. `id`: of the append, chosen by the sender.

    The sender sets the flags (leads to admission, ends crossing, awaits officer, urgent); this module knows no kinds.
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
    urgent: bool = False  # it frees a person, or ends a crossing, or is a crossing's outcome
    remember: bytes = b""  # returned at the sender's next start; not in the record
    awaits_officer: bool = False
    approved: Approved | None = None
    accepts_head: bool = False  # a supervisor accepts the log as found at this boot

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
        """The day, `YYYY-MM-DD`."""
        return self.time[:10]

    @property
    def hour(self) -> str:
        """The hour in the header."""
        return f"{self.time[:13]}:00:00Z"

    def envelope(self) -> bytes:
        """Return the first line of the sealed body: the record's metadata."""
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
    """The leaf. `sealed`, `key`: SHA-256 in hex of the sealed body, and of the age file with its key. `recipients`:
    digest of the age file's recipients (`recipients_digest`), empty in version 2.
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
        """Decode a canonical header of a known version. Raises BadFormatError."""
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
        """Encode the leaf."""
        return msgspec.json.encode(self, order="sorted")

    def bound(self) -> bytes:
        """Return the body's associated data: the header without `sealed`, which depends on the body."""
        bare = msgspec.structs.replace(self, sealed="") if self.sealed else self
        return bare.leaf().replace(b'"sealed":"",', b"")


def recipients_digest(recipients: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """Return the SHA-256 in hex over a set of age recipients' sorted hashes, joined by line feeds, and these hashes."""
    hashes = sorted({hashlib.sha256(one.encode()).hexdigest() for one in recipients})
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest(), tuple(hashes)


def check_origin(origin: str) -> None:
    """Raise BadFormatError for an invalid origin."""
    _check(_ORIGIN, "origin", origin)


def canonical_json(value: Mapping[str, object]) -> bytes:
    """Encode as canonical JSON: sorted keys, no spaces, ASCII, no NaN. Raises BadFormatError."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise BadFormatError("not JSON") from error


def is_hour(text: str) -> bool:
    """True for a valid hour in a header's format."""
    try:
        return _HOUR.fullmatch(text) is not None and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def time_text(moment: datetime) -> str:
    """Format a time as RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _check(pattern: re.Pattern[str], name: str, value: str) -> None:
    if pattern.fullmatch(value) is None:
        raise BadFormatError(f"{name} is not as the format says")
