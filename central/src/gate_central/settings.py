"""Central's settings, `central.toml` in its folder. The server does not start before retention periods are set.

docs/protocols/sync.md ("what central forgets", "how much a gate may bring") describes each key.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from gate_central.errors import FolderError
from gate_core.ordinary import read_ordinary

NAME = "central.toml"
BYTES_MAX = 256 * 1024
MB = 1_000_000
OTHERS_DAYS_MIN = 183  # half a year, as at the gate: these records explain the others, and hold no traveller's data

Days = Annotated[int, msgspec.Meta(ge=1, le=36_500)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Retention of keys in days after their records' day, by class; None: not set, kept until it is."""

    crossings_days: Days | None = None
    others_days: Annotated[int, msgspec.Meta(ge=OTHERS_DAYS_MIN, le=36_500)] | None = None
    gates_from_days: Days = 1  # minimum, also for keys that the gate reports as deleted


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Days, inclusive, whose keys are kept beyond their retention, and the case that needs them."""

    first: date
    last: date
    case: Word
    gate: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class Recipients(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Auditor sets that two approvers approved, by the digest in the records; `gate` None: for every gate."""

    approved: Annotated[tuple[Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")], ...], msgspec.Meta(max_length=64)]
    gate: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class Volume(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A gate's upload limits per UTC day; above the quota uploads are refused. 2,000 travellers need about 50 MB."""

    alarm_mb_a_day: Annotated[int, msgspec.Meta(ge=1)] = 200
    quota_mb_a_day: Annotated[int, msgspec.Meta(ge=10, le=1_000_000)] = 1000  # no request is larger than 2 MiB


class OwnLog(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Further recipients who can open central's own log."""

    recipients: Annotated[tuple[Word, ...], msgspec.Meta(max_length=16)] = ()


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings of `central.toml`."""

    names: Annotated[tuple[Word, ...], msgspec.Meta(max_length=64)] = ()
    silent_after_minutes: Annotated[int, msgspec.Meta(ge=1, le=525_600)] | None = None
    kept: Kept = Kept()
    holds: Annotated[tuple[Hold, ...], msgspec.Meta(max_length=256)] = ()
    recipients: Annotated[tuple[Recipients, ...], msgspec.Meta(max_length=4096)] = ()
    volume: Volume = Volume()
    volumes: dict[Annotated[str, msgspec.Meta(max_length=64)], Volume] = {}
    acts: OwnLog = OwnLog()

    @property
    def digest(self) -> str:
        """SHA-256 of the values, independent of the file's formatting."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    def require_kept(self, folder: Path) -> None:
        """Raise FolderError if a retention period is not set."""
        for key in ("crossings_days", "others_days"):
            if getattr(self.kept, key) is None:
                raise FolderError(
                    f"{folder / NAME}: kept.{key} is missing: say how long keys are kept (gate central init asks)"
                )

    def over_before(self, about: str, today: date) -> date | None:
        """Return the day before which keys of this class are expired; None: they never expire."""
        days = self.kept.crossings_days if about == "crossing" else self.kept.others_days
        return None if days is None else today - timedelta(days=days)

    def is_held(self, gate: str, day: date) -> bool:
        """True if the gate's day is held."""
        return any(one.first <= day <= one.last and one.gate in {None, gate} for one in self.holds)

    def approved_for(self, gate: str) -> frozenset[str] | None:
        """Return the approved auditor sets of a gate; None if none are configured for it."""
        told = [one.approved for one in self.recipients if one.gate in {None, gate}]
        return frozenset[str]().union(*told) if told else None

    def volume_of(self, gate: str) -> Volume:
        """Return a gate's daily upload limits."""
        return self.volumes.get(gate, self.volume)

    def silent_since(self, last_word: str, now: datetime) -> str | None:
        """Return `last_word` (RFC 3339) if it is older than `silent_after_minutes`, else None; None if that is not set.

        A gate in service sends a request at least every minute.
        """
        if self.silent_after_minutes is None:
            return None
        is_over = now - datetime.fromisoformat(last_word) > timedelta(minutes=self.silent_after_minutes)
        return last_word if is_over else None


def load(folder: Path) -> Settings:
    """Read the file; defaults if it is missing. Raises FolderError."""
    path = folder / NAME
    try:
        raw = read_ordinary(path, BYTES_MAX)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise FolderError(f"cannot read {path}: {error.strerror or error}") from error
    return parse(raw, path)


def parse(raw: bytes, path: Path) -> Settings:
    """Decode and check the file's content. Raises FolderError."""
    try:
        found = msgspec.toml.decode(raw, type=Settings)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FolderError(f"{path}: {error}") from error
    for one in found.holds:
        if one.last < one.first:
            raise FolderError(f"{path}: the hold of case {one.case} ends on {one.last}, before it begins")
    for gate, volume in {"": found.volume, **found.volumes}.items():
        if volume.alarm_mb_a_day >= volume.quota_mb_a_day:
            raise FolderError(f"{path}: volume {gate}: alarm_mb_a_day must be below quota_mb_a_day: it comes first")
    return found
