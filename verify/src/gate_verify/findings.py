"""What a verification found: every objection, and the figures of the report.

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
    """An hour of a header as people read it: it says no minute."""
    return f"about {hour[:10]} {hour[11:13]}h UTC" if hour else ""


def harmless(text: str) -> str:
    """One line of text that can be printed, whatever a stranger put into it."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


@dataclass(frozen=True, slots=True)
class Signer:
    """A key of the log, and the sizes of the log that it answers for: more than `since`, up to `until`, None for all that follow."""

    vkey: str
    since: int
    until: int | None


@dataclass(frozen=True, slots=True)
class Recipients:
    """Whom entries are sealed for, from `since` on: `sha256` is the digest of the set, None where headers did not name it yet."""

    since: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Cosignature:
    """Somebody else's word that the log had so many entries. `time` is the cosigner's, RFC 3339 UTC; None, as nothing is `checked`, where
    the auditor gave no key for it.
    """

    by: str
    key_id: str
    size: int
    time: str | None
    checked: bool


@dataclass(frozen=True, slots=True)
class Copy:
    """One of the inputs: `kind` is bundle, folder, database or receipt, which has no entries; `intact` as in a report, of it alone."""

    name: str
    kind: str
    since: int
    size: int
    root: str
    intact: bool


@dataclass(frozen=True, slots=True)
class Erasure:
    """An order of two persons to forget keys, as entry `index` says: who gave it, if it names them, its note, how many keys it names and how many of them
    are here all the same. `at_mirror` once the central server has said that it has carried it out; `signed` when two signatures of approvers in force are
    with it, so that it is not the gate's word alone.
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
    """The keys that one copy has, those that its headers name, and how many entries it knows of."""

    name: str
    size: int
    keys: frozenset[str]
    named: frozenset[str]
    is_gates: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every key that headers name, with how many entries need it, and which copy has which. `is_whole` when no entry before is missing, and
    `is_partial` when something else than a key is.
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
        """What is missing, in one copy or in all of them, without a word of the log; `gone` are the keys that a copy lacks and that were to go."""
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
    """The verdict on the longest copy, with what the others have of it. `verified` is true only without a single problem; `intact` when what
    is wrong, if anything, is only what the log tells: its bytes are those that were signed.

    `entries` counts those that were read, `bodies` the sealed bodies and `keys` the age files whose hashes are right; `erased`
    the keys that headers name and that are not there any more; whether they were to go say the sealed records, and `erasures` are the orders
    among these. `ledger` is which copy has which key. `first_time` and `last_time` are hours: that is all that the headers say, and `time_precision` says so. `unknown` says what was given cannot show; `is_partial` whether some of that
    is more than what came after the end, and `is_open_ended` whether that is among it. `recipients` are those of the longest copy.
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
        """For machines: all but the ledger."""
        return {name: value for name, value in asdict(replace(self, ledger=None)).items() if name != "ledger"}


@dataclass(slots=True)
class Findings:
    """Collects problems while the log is read. What they quote of the log or of file names cannot steer a terminal."""

    problems: list[str] = field(default_factory=list)
    unlisted: int = 0

    def add(self, problem: str) -> None:
        """Note a problem."""
        if len(self.problems) < PROBLEMS_MAX:
            is_long = len(problem) > PROBLEM_LETTERS_MAX
            self.problems.append(harmless(f"{problem[:PROBLEM_LETTERS_MAX]}…" if is_long else problem))
        else:
            self.unlisted += 1

    def all(self) -> tuple[str, ...]:
        """Return every problem, and how many more there are."""
        return (*self.problems, *([f"and {self.unlisted} more problems"] if self.unlisted else []))
