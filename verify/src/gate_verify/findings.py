"""The result of a verification: every objection, and the figures of the report.

VerifyError
├── UnreadableError   the path or the key cannot be read at all: there is nothing to judge
├── StructureError    bytes that cannot be parsed further: becomes a problem in the report
├── NotSignedError    the log differs from what was signed: its records are not read
├── NotSealedForError no record is sealed for this identity
└── UnwrittenError    a file of the report exists already or cannot be written
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

PROBLEMS_MAX = 1_000  # more are counted, not listed
PROBLEM_LETTERS_MAX = 1_000  # of one; a name that a stranger chose may be longer


class VerifyError(Exception):
    """Any failure of a verification."""


class UnreadableError(VerifyError):
    """The path or the key cannot be read at all."""


class StructureError(VerifyError):
    """Bytes that cannot be parsed further."""


class NotSignedError(VerifyError):
    """The log differs from what was signed."""


class NotSealedForError(VerifyError):
    """No record of the log is sealed for this identity."""


class UnwrittenError(VerifyError):
    """A file of the report exists already or cannot be written."""


def about(hour: str | None) -> str:
    """Format a header's hour for people, without minutes."""
    return f"about {hour[:10]} {hour[11:13]}h UTC" if hour else ""


def harmless(text: str) -> str:
    """Escape text so that it prints as one line without control characters."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


@dataclass(frozen=True, slots=True)
class Signer:
    """A key of the log, and the log sizes that it signs for: above `since`, up to `until`; None: no end."""

    vkey: str
    since: int
    until: int | None


@dataclass(frozen=True, slots=True)
class Recipients:
    """The recipients of entries from `since` on. `sha256`: digest of the set; None for headers of the version without it."""

    since: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosigner's statement that the log had this many entries. `time`: by the cosigner, RFC 3339 UTC; None if not
    `checked`, because the auditor gave no key for it.
    """

    by: str
    key_id: str
    size: int
    time: str | None
    checked: bool


@dataclass(frozen=True, slots=True)
class Copy:
    """One input. `kind`: bundle, folder, database, or receipt, which has no entries. `intact`: as in `Report`, for this copy alone."""

    name: str
    kind: str
    since: int
    size: int
    root: str
    intact: bool


@dataclass(frozen=True, slots=True)
class Erasure:
    """An order by two people to erase keys, in entry `index`: who gave it (if it names them), its note, the number of
    keys named, and how many are still here. `at_mirror`: the central server reported that it carried it out. `signed`:
    two signatures of approvers in force are with it; otherwise there is only the gate's statement.
    """

    index: int
    by: tuple[str, ...]
    note: str
    keys: int
    still_here: int
    at_mirror: bool
    signed: bool


@dataclass(frozen=True, slots=True)
class Held:
    """The keys that one copy has, the keys that its headers name, and its number of known entries."""

    name: str
    size: int
    keys: frozenset[str]
    named: frozenset[str]
    is_gates: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every key that headers name, with the number of entries that need it, and which copy has which key. `is_whole`:
    no earlier entry is missing. `is_partial`: something besides keys is missing.
    """

    uses: Mapping[str, int]
    copies: tuple[Held, ...]
    is_whole: bool
    is_partial: bool

    @property
    def missing(self) -> frozenset[str]:
        """The keys that no copy has."""
        return frozenset(self.uses).difference(*(one.keys for one in self.copies))

    def unaccounted(self, gone: Callable[[Held], frozenset[str]] = lambda _: frozenset()) -> Iterator[str]:
        """Yield the keys missing in one copy or in all without a record that explains it; `gone`: a copy's missing keys that were due."""
        were_to_go = [gone(one) for one in self.copies]
        if lost := self.missing.difference(*were_to_go):
            entries = sum(self.uses[key] for key in lost)
            yield f"{len(lost)} keys of {entries} entries are not here, and no record that was read says that they were to go: erased, or taken away"
        some = frozenset().union(*(one.keys for one in self.copies)) & self.uses.keys()
        for one, accounted in zip(self.copies, were_to_go, strict=True):
            if elsewhere := (some & one.named) - one.keys - accounted:
                yield (
                    f"{len(elsewhere)} keys are missing in {one.name} and are there in another copy: "
                    "an erasure that did not reach every copy, or keys that were taken away"
                )


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on the longest copy, with what the other copies have of it. `verified`: there is no problem. `intact`: the bytes are those
    that were signed; problems, if any, are in the records' content.

    `entries`: entries read; `bodies`: sealed bodies, and `keys`: age files, with correct hashes; `erased`: keys that headers name and that are
    no longer here. Only sealed records show whether they were due; `erasures`: the orders among these. `ledger`: which copy has which key.
    `first_time`, `last_time`: hours, as `time_precision` states, because headers have no more. `unknown`: what the input cannot show;
    `is_partial`: some of it is more than what came after the end; `is_open_ended`: that is among it. `recipients`: those of the longest copy.
    """

    entries: int
    since: int
    root: str
    verified: bool
    intact: bool
    checkpoints: int
    cosignatures: tuple[Cosignature, ...]
    first_time: str | None
    last_time: str | None
    bodies: int
    keys: int
    erased: int
    problems: tuple[str, ...]
    unknown: tuple[str, ...]
    is_partial: bool
    is_open_ended: bool
    copies: tuple[Copy, ...]
    signers: tuple[Signer, ...] = ()
    recipients: tuple[Recipients, ...] = ()
    erasures: tuple[Erasure, ...] = ()
    ledger: Ledger | None = None
    time_precision: str = "hour"

    def fields(self) -> dict[str, object]:
        """Return the report for JSON, without the ledger."""
        return {name: value for name, value in asdict(replace(self, ledger=None)).items() if name != "ledger"}


@dataclass(slots=True)
class Findings:
    """Collects problems while the log is read. Quoted names and content are escaped for the terminal."""

    problems: list[str] = field(default_factory=list)
    unlisted: int = 0

    def add(self, problem: str) -> None:
        """Add a problem."""
        if len(self.problems) < PROBLEMS_MAX:
            is_long = len(problem) > PROBLEM_LETTERS_MAX
            self.problems.append(harmless(f"{problem[:PROBLEM_LETTERS_MAX]}…" if is_long else problem))
        else:
            self.unlisted += 1

    def all(self) -> tuple[str, ...]:
        """Return every listed problem, and the number of unlisted ones."""
        return (*self.problems, *([f"and {self.unlisted} more problems"] if self.unlisted else []))
