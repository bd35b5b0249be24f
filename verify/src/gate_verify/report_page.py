"""The page and the tables of `gate audit report`: a log's content for readers who are no programmers.

One HTML file that loads nothing and runs no script; on request also tables with every crossing, figure and entry. Each
figure names its entries. Cells that a spreadsheet would run as a formula are quoted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gate_core import durable
from gate_core.web_pages.templates import environment
from gate_core.web_pages.texts import Texts
from gate_verify.findings import about
from gate_verify.records import ranges
from gate_verify.report.account import GROUPS, SHOWN, Account
from gate_verify.report.rates import LEVEL
from gate_verify.report.tables import erasures, names_of, sections

if TYPE_CHECKING:
    from gate_verify.audit_record import AuditRecord
    from gate_verify.findings import Report

ENTRIES, CROSSINGS, FIGURES = "entries.csv", "crossings.csv", "figures.csv"
_TIMES: Final = {
    "granted": "from the document to the grant",
    "closed": "from the document to the lane at rest, of the admitted",
    "waited": "from a referral to the officer's word",
}


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
        cards=_cards(account),
        times=[(_TIMES[of], spread) for of, spread in account.spreads().items() if spread is not None],
        shown_max=SHOWN,
        entries=[account.shown[index] for index in sorted(named & set(account.shown))],
        level=f"{LEVEL:.0%}",
    )


def _reasons() -> Callable[[str], str]:
    """Return a formatter that gives a reason in the console's words, and the log's own."""
    texts = Texts("gate_officers.console")

    def reason(word: str) -> str:
        text = f"reason-{word}"
        return f"{texts.t('en', text)} ({word})" if texts.has("en", text) else word

    return reason


def _cards(account: Account) -> list[tuple[str, str]]:
    figures = account.figures
    return [
        ("crossings", f"{len(account.crossings):,}"),
        ("admitted by the gate", f"{len(figures['crossings', 'admitted']):,}"),
        ("referred to an officer", f"{len(figures['crossings', 'referred']):,}"),
        ("admitted by an officer", f"{len(figures['dispositions', 'admitted_by_officer']):,}"),
        ("waiting", f"{len(account.waiting()):,}"),
        ("incidents", f"{sum(len(figures['incidents', one]) for one in names_of(account, 'incidents')):,}"),
    ]


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
    durable.write(
        folder / FIGURES,
        _table(("table", "figure", "value", "share", "low", "high", "entries"), figures),
        new_only=True,
    )


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
