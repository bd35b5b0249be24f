"""Makes the files of `gate audit report`: verifies the log, reads it once, writes the tables and the page; all files or none.

The page is one HTML file that loads nothing and runs no script. Each figure names its entries. In the tables, cells that a spreadsheet would
run as a formula are quoted. The page is written last, because it names its tables: a kill may leave tables without a page, never a page with another log's tables.
"""

from __future__ import annotations

import csv
import importlib
import io
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gate_core import durable
from gate_core.command_line.distributions import named_modules
from gate_core.web_pages.templates import environment
from gate_core.web_pages.texts import Texts
from gate_verify.audit_record import AuditRecord
from gate_verify.findings import Report, UnwrittenError, about
from gate_verify.records import ranges, unsealer_of, verified, with_story
from gate_verify.report.account import GROUPS, SHOWN, Account
from gate_verify.report.draws import Found
from gate_verify.report.rates import LEVEL
from gate_verify.report.tables import NOT_HERE, erasures, names_of, sections
from gate_verify.verify import Known, name_of

ENTRIES, CROSSINGS, FIGURES = "entries.csv", "crossings.csv", "figures.csv"
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
        try:
            durable.write(out, page.encode(errors="backslashreplace"), new_only=True)
        except OSError:  # no tables without their page
            if tables is not None:
                shutil.rmtree(tables, ignore_errors=True)
            raise
    except OSError as error:
        places = f"{out}" if tables is None else f"{out} or {tables}"  # a full disk gives no file name
        raise UnwrittenError(f"cannot write {error.filename or places}: {error.strerror}") from error
    return Made(out, tables, report, account)


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


def render(report: Report, account: Account, *, name: str, files: Sequence[str], tables: str | None, made: str) -> str:
    """Return the page. `name`: the log's; `tables`: the folder with the tables, if there is one; `made`: the time, as text."""
    templates = environment(Path(__file__).with_name("pages"))
    templates.filters |= {"number": lambda value: f"{value:,}", "about": about}
    found = [*sections(account, _reasons()), erasures(report)]
    named = {index for section in found for row in section.rows for index in row.entries[:SHOWN]}
    return templates.get_template("audit_report.html").render(
        report=report,
        account=account,
        name=name,
        files=files,
        tables=tables,
        made=made,
        sections=found,
        incidents=sum(len(account.figures["incidents", one]) for one in names_of(account, "incidents")),
        spreads={of: spread for of, spread in account.spreads().items() if spread is not None},
        shown_max=SHOWN,
        entries=[account.shown[index] for index in sorted(named & set(account.shown))],
        level=f"{LEVEL:.0%}",
    )


def _reasons() -> Callable[[str], str]:
    """Return a formatter that gives a reason in the console's words, and the log's own; the log's alone where no console is installed."""
    try:
        texts = Texts("gate_officers.console")
    except ModuleNotFoundError:
        return str

    def reason(word: str) -> str:
        text = f"reason-{word}"
        return f"{texts.t('en', text)} ({word})" if texts.has("en", text) else word

    return reason


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def entries_table(path: Path) -> Iterator[Callable[[AuditRecord], object]]:
    """Yield a function that adds one entry to the table; the table is complete when the block ends. Raises OSError."""
    with durable.writing(path, new_only=True) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        writer = csv.writer(text)
        writer.writerow(("entry", "time", "kind", "class", "crossing", "key", "note"))
        yield lambda told: writer.writerow(_entry(told))
        text.detach()  # and flushed; the file is not ours to close


def _entry(told: AuditRecord) -> tuple[object, ...]:
    cells = (told.when, told.kind or "", told.about, told.crossing or "", told.key, told.note or "")
    return (told.index, *map(cell, cells))


def write_tables(folder: Path, account: Account) -> None:
    """Write the crossings and the figures. Raises OSError; FileExistsError if the files exist."""
    crossings = [
        (
            one.name, one.opened, one.direction, one.decision, one.verdict, " ".join(one.reasons), one.closed, _number(one.granted_s), _number(one.took_s),
            one.disposition, one.officer, _number(one.waited_s), *(one.groups.get(kind, "") for kind in GROUPS), ranges(one.entries),
        )
        for one in account.crossings.values()
    ]  # fmt: skip
    head = (
        "crossing", "opened", "direction", "decision", "verdict", "reasons", "closed", "granted_s", "took_s", "disposition", "officer", "waited_s", *GROUPS, "entries",
    )  # fmt: skip
    durable.write(folder / CROSSINGS, _table(head, crossings), new_only=True)
    figures = [
        (section.id, row.label, row.value, row.share, *(row.interval or ("", "")), ranges(row.entries))
        for section in sections(account, _reasons())
        for row in section.rows
    ]
    columns = ("table", "figure", "value", "share", "low", "high", "entries")
    durable.write(folder / FIGURES, _table(columns, figures), new_only=True)


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([cell(one) if isinstance(one, str) else one for one in row] for row in rows)
    return text.getvalue().encode("utf-8", errors="backslashreplace")


def cell(text: str) -> str:
    """Quote text that a spreadsheet would take for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _number(value: float | None) -> object:
    return "" if value is None else round(value, 3)
