"""The records of a log in clear, for commands: what opens, and for what does not, why.

Promise: one record that does not open, whatever is wrong with it, costs none of the others. Whether it is the log's is the verifier's to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import typer

from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.record import Header
from gate_core.audit_format.unsealer import Closed, OpenedRecord, Unsealer
from gate_core.command_line.output import Exit, code_of, fail, note
from gate_verify.accounts import Accounts
from gate_verify.audit_record import AuditRecord
from gate_verify.bundle import Closing, EntryLine, KeyLine, Opening
from gate_verify.findings import Report, StructureError, UnreadableError, VerifyError
from gate_verify.record_invariants import Story
from gate_verify.verify import contents, kind_of, verify

NO_HEADER = "the entry is no record of the log"


def records_of(log: Path, identity: Path, vkey: str | None) -> Iterator[dict[str, object]]:
    """Yield the records of a log in clear, for a command: what is wrong ends it with one line and an exit code.

    That is 1 for a log that `vkey` does not verify, 77 when nothing is for this identity; and at the end, when some stayed closed,
    1 for what is sealed for others, 65 for what is damaged.
    """
    if vkey is not None:
        _refuse_unless_verified(log, vkey)
    reading = Reading((log,), unsealer_of(identity))
    yield from map(fields_of, reading.told())
    if vkey is None:
        note("gate: the log's signature was not checked; give --vkey, or use gate audit verify")
    for why, indices in reading.closed.items():
        note(f"gate: not opened: {ranges(indices)}: {why}")
    if reading.closed:
        raise typer.Exit(int(Exit.BAD_DATA if reading.is_damaged else Exit.NO))


SEALED = "what the records tell: they are sealed, and --identity judges it for an auditor who holds a key"
DAMAGED = {Closed.NO_KEY.value, Closed.UNREADABLE.value}  # an honest log program seals no record so
UNREAD = "what the records tell: they are read only where all is as it was signed"


def with_story(
    report: Report, paths: Sequence[Path], unsealer: Unsealer | None, *others: Callable[[AuditRecord], object]
) -> Report:
    """The report with what the records tell judged as well, where they open; a log that is not intact is not read any further. `others` are
    told each record, too.
    """
    if unsealer is None:
        return replace(report, unknown=(*report.unknown, SEALED))
    if not report.intact:
        return replace(report, unknown=(*report.unknown, UNREAD))
    story, accounts, ledger = Story(report.since), Accounts(report.signers[0].vkey.partition("+")[0]), report.ledger
    assert ledger is not None
    logs = [one for one in paths if kind_of(one) not in {"receipt", "handover"}]
    # A spool may have grown meanwhile; what is told is what was judged.
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
    """How a log begins, by its own word; what cannot be read ends the command."""
    with _explained(log):
        first = next(contents(log), None)
        if not isinstance(first, Opening):
            raise StructureError("it has no beginning")
        return first


def unsealer_of(identity: Path) -> Unsealer:
    """What opens records with an auditor's identity file; else the command ends with one line."""
    try:
        return Unsealer.from_file(identity)
    except BadFormatError as error:
        fail(Exit.BAD_DATA, f"cannot use the key file: {error}")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot read the key file {identity}: {error.strerror}")


def read_as_signed(
    logs: Sequence[Path], vkey: str, identity: Path, take: Callable[[AuditRecord], None]
) -> Sequence[str]:
    """Read logs that are as they were signed with an auditor's identity, a record at a time; any other ends the command. Returns what is told
    in them and cannot be so.
    """
    unsealer = unsealer_of(identity)
    try:
        report = verify(logs[0], vkey, *logs[1:])
        if not report.intact:
            fail(Exit.NO, f"the log is not what was signed: {report.problems[0]}; see gate audit verify")
        return with_story(report, logs, unsealer, take).problems
    except UnreadableError as error:
        fail(code_of(error), str(error))


def _refuse_unless_verified(log: Path, vkey: str) -> None:
    try:
        report = verify(log, vkey)
    except UnreadableError as error:
        fail(code_of(error), str(error))
    if not report.intact:
        fail(Exit.NO, f"{log.name} is not verified: {report.problems[0]}; see gate audit verify")


@dataclass
class Reading:
    """One reading of a log from entry `since` on, whose parts may overlap. `closed` fills while `told` is read: why records did not open,
    and which.
    """

    paths: Sequence[Path]
    unsealer: Unsealer
    since: int = 0
    closed: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    is_damaged: bool = False

    def told(self) -> Iterator[AuditRecord]:
        """Yield each record once, in order. What is wrong with a part ends the command with one line and an exit code; 77 when nothing is
        for this identity.
        """
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
                    fail(
                        Exit.NOT_PERMITTED, f"cannot decrypt {path.name}: the records are not sealed for this identity"
                    )
                for one in self._told_in(path):
                    if one.index < self.since:
                        continue
                    if following is not None and one.index > following:
                        raise StructureError(f"entries {following} to {one.index - 1} are in none of the parts")
                    if following is None or one.index == following:
                        yield one
                        following = one.index + 1

    def _is_for_another(self, path: Path) -> bool:
        """True when there are age files and none is wrapped for this identity."""
        found = False
        for line in contents(path):
            if isinstance(line, KeyLine):
                if self.unsealer.learn(line.wrapped):
                    return False
                found = True
        return found

    def _told_in(self, path: Path) -> Iterator[AuditRecord]:
        """Yield each record of a part; the body of one that does not open is None, and it says why."""
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
    try:
        yield
    except UnreadableError as error:
        fail(code_of(error), str(error))
    except (BadFormatError, VerifyError) as error:
        fail(Exit.BAD_DATA, f"cannot decrypt {path.name}: {error}")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot read {error.filename}: {error.strerror}")


def fields_of(told: AuditRecord) -> dict[str, object]:
    """A record as a JSON document. `key` names the age file that opens it, which is what is deleted to erase the crossing."""
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
    """Rising numbers as people write them: `0-4, 7`."""
    runs: list[list[int]] = []
    for one in indices:
        if runs and runs[-1][1] == one - 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)
