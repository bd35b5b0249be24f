"""Opens the records of a log with an auditor's identity, and states for each closed record why it does not open.

A record that does not open never keeps the others from opening. `gate_verify.verify` judges whether a record is the log's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.record import Header
from gate_core.audit_format.unsealer import Closed, OpenedRecord, Unsealer
from gate_verify.accounts import Accounts
from gate_verify.audit_record import AuditRecord
from gate_verify.bundle import Closing, EntryLine, KeyLine, Opening
from gate_verify.findings import NotSealedForError, NotSignedError, Report, StructureError, UnreadableError, VerifyError
from gate_verify.record_invariants import Story
from gate_verify.verify import Known, contents, kind_of, verify

NO_HEADER = "the entry is no record of the log"
SEALED = "what the records tell: they are sealed, and --identity judges it for an auditor who holds a key"
DAMAGED = {Closed.NO_KEY.value, Closed.UNREADABLE.value}  # an honest log program seals no record so
UNREAD = "what the records tell: they are read only where all is as it was signed"


def with_story(
    report: Report, paths: Sequence[Path], unsealer: Unsealer | None, *others: Callable[[AuditRecord], object]
) -> Report:
    """Return the report with the opened records judged too. A log that is not intact is not read further. `others`
    receive each record.
    """
    if unsealer is None:
        return replace(report, unknown=(*report.unknown, SEALED))
    if not report.intact:
        return replace(report, unknown=(*report.unknown, UNREAD))
    story, accounts, ledger = Story(report.since), Accounts(report.signers[0].vkey.partition("+")[0]), report.ledger
    assert ledger is not None
    logs = [one for one in paths if kind_of(one) not in {"receipt", "handover"}]
    # The spool may have grown since it was judged: read no further.
    damaged = defaultdict[str, list[int]](list)
    for told in islice(Reading(logs, unsealer, report.since).told(), report.entries):
        if told.note in DAMAGED:
            damaged[told.note].append(told.index)
        for take in (story.take, accounts.take, *others):
            take(told)
    problems = (*report.problems, *story.contradictions(), *accounts.contradictions(ledger))
    problems += tuple(f"entries {ranges(at)}: {why.partition(';')[0]}" for why, at in damaged.items())
    left, without_a_word = (*ledger.unaccounted(accounts.gone), *accounts.unsigned(ledger)), set(ledger.unaccounted())
    known = (one for one in report.unknown if one not in without_a_word)
    return replace(
        report,
        problems=problems,
        verified=not problems,
        unknown=(*known, *left, *accounts.kept_longer(ledger), *story.unsure()),
        is_partial=ledger.is_partial or bool(left),
        erasures=accounts.erasures(ledger),
    )


def first_line(log: Path) -> Opening:
    """Return the log's opening line, as it states it. Raises UnreadableError."""
    with _explained(log):
        first = next(contents(log), None)
        if not isinstance(first, Opening):
            raise StructureError("it has no beginning")
        return first


def unsealer_of(identity: Path) -> Unsealer:
    """Read an auditor's identity file. Raises UnreadableError."""
    try:
        return Unsealer.from_file(identity)
    except BadFormatError as error:
        raise UnreadableError(f"cannot use the key file: {error}") from error
    except OSError as error:
        raise UnreadableError(f"cannot read the key file {identity}: {error.strerror}") from error


def read_as_signed(
    logs: Sequence[Path], vkey: str, identity: Path, take: Callable[[AuditRecord], None]
) -> Sequence[str]:
    """Verify the logs, then give `take` each record that the identity opens. Returns the contradictions found in the records.

    Raises UnreadableError, NotSignedError and NotSealedForError.
    """
    unsealer = unsealer_of(identity)
    return with_story(verified(logs, vkey), logs, unsealer, take).problems


def verified(logs: Sequence[Path], vkey: str, known: Known | None = None) -> Report:
    """Return the report on logs that are as they were signed. Raises UnreadableError, and NotSignedError for others."""
    report = verify(logs[0], vkey, *logs[1:], known=known)
    if not report.intact:
        raise NotSignedError(f"the log is not what was signed: {report.problems[0]}; see gate audit verify")
    return report


@dataclass
class Reading:
    """One reading of a log from entry `since` on; the parts may overlap. `closed` fills while `told` is read: the
    reason, and the records that did not open.
    """

    paths: Sequence[Path]
    unsealer: Unsealer
    since: int = 0
    closed: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    is_damaged: bool = False

    def told(self) -> Iterator[AuditRecord]:
        """Yield each record once, in order. Raises UnreadableError for a part that cannot be read, and NotSealedForError."""
        following: int | None = None
        for path in self.paths if len(self.paths) > 1 else ():  # a copy may have keys that the others lack
            with _explained(path), suppress(StructureError):
                for line in contents(path):
                    if isinstance(line, KeyLine):
                        self.unsealer.learn(line.wrapped)
        # Of tiles alone nothing opens.
        bare = [one for one in self.paths if one.is_dir() and not (one / "sealed").is_dir()]
        for path in sorted(self.paths, key=lambda one: (first_line(one).since, one in bare)):
            with _explained(path):
                if self._is_for_another(path):
                    raise NotSealedForError(f"cannot decrypt {path.name}: the records are not sealed for this identity")
                for one in self._told_in(path):
                    if one.index < self.since:
                        continue
                    if following is not None and one.index > following:
                        raise StructureError(f"entries {following} to {one.index - 1} are in none of the parts")
                    if following is None or one.index == following:
                        yield one
                        following = one.index + 1

    def _is_for_another(self, path: Path) -> bool:
        """True if there are age files and none is wrapped for this identity."""
        opens = (self.unsealer.learn(line.wrapped) for line in contents(path) if isinstance(line, KeyLine))
        return next(opens, True) is False and not any(opens)

    def _told_in(self, path: Path) -> Iterator[AuditRecord]:
        """Yield each record of a part. A record that does not open has the body None, and a note with the reason."""
        index = 0
        for line in contents(path):
            match line:
                case Opening():
                    index = line.since
                case KeyLine(wrapped):
                    self.unsealer.learn(wrapped)
                case EntryLine(leaf, sealed):
                    yield self._in_clear(index, leaf, sealed)
                    index += 1
                case Closing():
                    return
        raise StructureError("it is cut off")

    def _in_clear(self, index: int, leaf: bytes, sealed: bytes) -> AuditRecord:
        try:
            header = Header.parse(leaf)
        except BadFormatError:
            self._note(index, NO_HEADER, is_damage=True)
            return AuditRecord(index, "", "", "", note=NO_HEADER)
        found, readers = self.unsealer.open(header, sealed), self.unsealer.readers.get(header.key)
        told = AuditRecord(index, header.hour, header.about, header.key, recipients=header.recipients, readers=readers)
        if isinstance(found, OpenedRecord):
            return replace(told, **{name: getattr(found, name) for name in OpenedRecord.__struct_fields__})
        if found is not Closed.ERASED:
            self._note(index, found.value.partition(";")[0], is_damage=found.is_damage)
        return replace(told, note=found.value)

    def _note(self, index: int, why: str, *, is_damage: bool) -> None:
        self.closed[why].append(index)
        self.is_damaged = self.is_damaged or is_damage


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn errors of a part into UnreadableError, with the file's name."""
    try:
        yield
    except (UnreadableError, NotSealedForError):
        raise
    except (BadFormatError, VerifyError) as error:
        raise UnreadableError(f"cannot decrypt {path.name}: {error}") from error
    except OSError as error:
        raise UnreadableError(f"cannot read {error.filename}: {error.strerror}") from error


def fields_of(told: AuditRecord) -> dict[str, object]:
    """Return a record as a JSON document. `key` names the age file that opens it: deleting that file erases the crossing."""
    return {
        "index": told.index,
        "time": told.time or told.hour or None,
        "time_precision": "millisecond" if told.time else "hour",
        "kind": told.kind,
        "crossing": told.crossing,
        "class": told.about or None,
        "monotonic_ms": told.monotonic_ms,
        "boot": told.boot,
        "id": told.id,
        "key": told.key or None,
        "body": told.body,
        **({} if told.note is None else {"note": told.note}),
    }


def ranges(indices: Sequence[int]) -> str:
    """Format ascending numbers for people: `0-4, 7`."""
    runs: list[list[int]] = []
    for one in indices:
        if runs and runs[-1][1] == one - 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)
