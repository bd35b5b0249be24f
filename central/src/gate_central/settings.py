"""What an operator sets of a central server: `central.toml` in its folder, read strictly. No server serves gates before it says how long keys are kept.

docs/protocols/sync.md ("what central forgets", "how much a gate may bring") shows the file, with what each key means.
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
OTHERS_DAYS_MIN = 183  # half a year, as at the gate: what holds nothing of a traveller explains what became of the rest

Days = Annotated[int, msgspec.Meta(ge=1, le=36_500)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """For how many days after theirs keys are kept, by the class of their records; None: nobody has said, and they are kept until somebody does."""

    crossings_days: Days | None = None
    others_days: Annotated[int, msgspec.Meta(ge=OTHERS_DAYS_MIN, le=36_500)] | None = None
    gates_from_days: Days = 1  # what a gate has forgotten sooner itself is kept here until then


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Days that are kept whatever their time, both included, and for which case."""

    first: date
    last: date
    case: Word
    gate: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class Recipients(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sets of auditors that two approvers have approved, each by the digest that records name."""

    approved: Annotated[tuple[Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")], ...], msgspec.Meta(max_length=64)]
    gate: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class Volume(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much a gate may bring in a day. A day of 2,000 travellers is some 50 MB: four such days are an alarm, twenty are refused until tomorrow."""

    alarm_mb_a_day: Annotated[int, msgspec.Meta(ge=1)] = 200
    quota_mb_a_day: Annotated[int, msgspec.Meta(ge=10, le=1_000_000)] = 1000  # no request is larger than 2 MiB


class OwnLog(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who can open central's own log beside central."""

    recipients: Annotated[tuple[Word, ...], msgspec.Meta(max_length=16)] = ()


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

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
        """SHA-256 of what is set, whatever the file's spelling."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    def require_kept(self, folder: Path) -> None:
        """Raise FolderError where nobody has said how long keys are kept: that is not for good."""
        for key in ("crossings_days", "others_days"):
            if getattr(self.kept, key) is None:
                raise FolderError(
                    f"{folder / NAME}: kept.{key} is missing: say how long keys are kept (gate central init asks)"
                )

    def over_before(self, about: str, today: date) -> date | None:
        """Keys of this class are over if their day is before this one; None: they are kept for good."""
        days = self.kept.crossings_days if about == "crossing" else self.kept.others_days
        return None if days is None else today - timedelta(days=days)

    def is_held(self, gate: str, day: date) -> bool:
        """True for a day of a gate that is kept whatever its time."""
        return any(one.first <= day <= one.last and one.gate in {None, gate} for one in self.holds)

    def approved_for(self, gate: str) -> frozenset[str] | None:
        """The sets of recipients that a gate may seal for; None where nothing is said of it."""
        told = [one.approved for one in self.recipients if one.gate in {None, gate}]
        return frozenset[str]().union(*told) if told else None

    def volume_of(self, gate: str) -> Volume:
        """How much a gate may bring in a day."""
        return self.volumes.get(gate, self.volume)

    def silent_since(self, last_word: str, now: datetime) -> str | None:
        """The time of a gate's last word, RFC 3339, when it has been silent for too long since; None where all is well, or nothing was set.

        A gate in service asks within a minute, whatever happens at it.
        """
        if self.silent_after_minutes is None:
            return None
        is_over = now - datetime.fromisoformat(last_word) > timedelta(minutes=self.silent_after_minutes)
        return last_word if is_over else None


def load(folder: Path) -> Settings:
    """Read the file, if there is one. Raises FolderError."""
    path = folder / NAME
    try:
        raw = read_ordinary(path, BYTES_MAX)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise FolderError(f"cannot read {path}: {error.strerror or error}") from error
    return parse(raw, path)


def parse(raw: bytes, path: Path) -> Settings:
    """What a file says. Raises FolderError."""
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
