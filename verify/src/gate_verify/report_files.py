"""Makes the files of `gate audit report`: verifies the log, reads it once, writes the tables and the page; all files or none.

The page is written last, because it names its tables: a kill may leave tables without a page, never a page with another log's tables.
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gate_core import durable
from gate_core.command_line.distributions import named_modules
from gate_verify.audit_record import AuditRecord
from gate_verify.findings import Report, UnwrittenError
from gate_verify.records import unsealer_of, verified, with_story
from gate_verify.report.account import Account
from gate_verify.report.draws import Found
from gate_verify.report.tables import NOT_HERE
from gate_verify.report_page import ENTRIES, entries_table, render, write_tables
from gate_verify.verify import Known, name_of

_DECIDED = frozenset({"entry_decided", "decided"})


@dataclass(frozen=True, slots=True)
class Made:
    """The result of the command."""

    out: Path
    tables: Path | None
    report: Report
    account: Account

    @property
    def draws(self) -> Found:
        """The results of the random checks."""
        return self.account.draws.found()

    def fields(self) -> dict[str, object]:
        """Return the result for JSON."""
        figures = self.account.figures
        return {
            "out": str(self.out),
            "csv": None if self.tables is None else str(self.tables),
            "entries": self.report.entries,
            "crossings": len(self.account.crossings),
            "admitted": len(figures["crossings", "admitted"]),
            "referred": len(figures["crossings", "referred"]),
            "verified": self.report.verified,
            "problems": list(self.report.problems),
            "unknown": list(self.report.unknown),
            "drawn": len(self.draws.drawn),
            "not_as_drawn": [one.what for one in self.draws.problems],
        }

    def lines(self) -> Iterator[str]:
        """Yield the printed lines."""
        yield f"{self.report.entries} entries, {len(self.account.crossings)} crossings: {self.out}"
        if self.tables is not None:
            yield f"tables: {self.tables}"
        yield from (f"- {problem}" for problem in self.report.problems)
        yield from (f"- {one.what}" for one in self.draws.problems)


def make(
    logs: list[Path], *, identity: Path, vkey: str, known: Known, out: Path, tables: Path | None, now: datetime
) -> Made:
    """Make page and tables. An error leaves neither.

    Raises UnreadableError, NotSignedError, NotSealedForError and UnwrittenError.
    """
    for path in (out, tables):
        if path is not None and path.exists():
            raise UnwrittenError(f"{path} is there already; name another")
    unsealer = unsealer_of(identity)
    account = Account()
    try:
        report = verified(logs, vkey, known)
        with _folder(tables) as draft:
            with nullcontext() if draft is None else entries_table(draft / ENTRIES) as tell:
                takers = (account.take, taken_again(account), *([] if tell is None else [tell]))
                report = with_story(report, logs, unsealer, *takers)
            if draft is not None:
                write_tables(draft, account)
            page = render(
                report,
                account,
                name=name_of(vkey),
                files=[one.name for one in logs],
                tables=None if tables is None else tables.name,
                made=f"{now:%Y-%m-%d %H:%M} UTC",
            )
        _publish(out, page.encode(errors="backslashreplace"), tables)
    except OSError as error:
        places = f"{out}" if tables is None else f"{out} or {tables}"  # a full disk gives no file name
        raise UnwrittenError(f"cannot write {error.filename or places}: {error.strerror}") from error
    return Made(out, tables, report, account)


def _publish(out: Path, page: bytes, tables: Path | None) -> None:
    """Write the page after its tables; if it cannot be written, delete the tables. Raises OSError."""
    try:
        durable.write(out, page, new_only=True)
    except OSError:
        if tables is not None:
            shutil.rmtree(tables, ignore_errors=True)
        raise


def taken_again(account: Account) -> Callable[[AuditRecord], None]:
    """Return a consumer that takes each recorded decision again, by the gate's code installed here, and counts the outcome."""
    found = named_modules("gate.replay")
    again = importlib.import_module(found[0]).Replay().take if found else _not_here

    def take(told: AuditRecord) -> None:
        if told.body is not None and (outcome := again(told.kind, told.body)) is not None:
            account.again(told, outcome)

    return take


def _not_here(kind: str | None, _: object) -> str | None:
    return NOT_HERE if kind in _DECIDED else None


@contextmanager
def _folder(tables: Path | None) -> Iterator[Path | None]:
    """Yield a draft of the folder, which is renamed to its final name if the block succeeds."""
    if tables is None:
        yield None
        return
    draft = tables.with_name(durable.DRAFT + tables.name)
    with suppress(FileNotFoundError):
        shutil.rmtree(draft)
    durable.make_folder(draft)
    try:
        yield draft
        draft.rename(tables)
        durable.sync(tables.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
