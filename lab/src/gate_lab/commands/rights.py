"""`gate rights`: travellers' requests to the controller: receipts, access, rectification, erasure and complaints, in a book with deadlines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate.cli.configuration import configuration_errors, configured, file_errors
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, fail, note, tell

if TYPE_CHECKING:
    from gate_lab.rights.book import Book, Case, Event

app = typer.Typer(no_args_is_help=True)

BookFile = Annotated[Path, typer.Argument(metavar="BOOK", help="The book of cases; it is made where there is none.")]
Number = Annotated[int, typer.Argument(metavar="CASE", help="The case's number.", min=1)]
By = Annotated[str, typer.Option("--by", help="Who decides.")]
Reason = Annotated[str, typer.Option(help="Why; without the name of a traveller.")]
On = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day; today where it is left out.")]


@app.callback()
def _noun() -> None:
    """What travellers may ask of whoever runs the gate."""


@app.command()
def receipt(
    number: Annotated[str, typer.Argument(help="The number of the receipt: a crossing's name.")],
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Say what the holder of a receipt is told. It is the same for every crossing, and for a number that no crossing has: no log is opened for it."""
    from gate_lab.rights.answers import Controller, receipt_answer

    _require_number(number)
    text = receipt_answer(number, Controller.of(configured(config)), _today(None))
    tell("rights.receipt/1", {"number": number, "answer": text}, text.rstrip("\n"), as_json=as_json)


@app.command()
def receive(
    book: BookFile,
    kind: Annotated[str, typer.Option(help="access, rectification, erasure or complaint.")],
    crossing: Annotated[str, typer.Option(help="The number of the receipt; left out of a complaint about none.")] = "",
    words: Annotated[str, typer.Option(help="What is asked for, in short and without a name.")] = "",
    on: On = None,
    as_json: Json = False,
) -> None:
    """Begin a case. It is to be answered within a month."""
    from gate_lab.rights.book import Kind, Received

    found = next((one for one in Kind if one.value == kind), None)
    if found is None:
        fail(Exit.USAGE, f"--kind: {kind!r} is none of {', '.join(one.value for one in Kind)}")
    if crossing or found is not Kind.COMPLAINT:
        _require_number(crossing)
    _show(_add(_book(book), None, Received(found, crossing, _day(on), words)), "rights.receive/1", as_json=as_json)


@app.command()
def extend(book: BookFile, case: Number, by: By, reason: Reason, on: On = None, as_json: Json = False) -> None:
    """Take two months more, once, and before the first has gone. Whoever asked must be told the reason."""
    from gate_lab.rights.book import Extended

    _show(_add(_book(book), case, Extended(_day(on), by, reason)), "rights.extend/1", as_json=as_json)


@app.command()
def answer(
    book: BookFile,
    case: Number,
    outcome: Annotated[str, typer.Option(help="granted, partly, refused or nothing_held.")],
    by: By,
    reason: Reason,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Write down what was answered. The log itself is not changed: what was wrong in it is put right beside it, here."""
    from gate_lab.rights.book import Answered, Outcome

    found = next((one for one in Outcome if one.value == outcome), None)
    if found is None:
        fail(Exit.USAGE, f"--outcome: {outcome!r} is none of {', '.join(one.value for one in Outcome)}")
    event = Answered(_day(on), by, found, reason)
    _show(_add(_book(book), case, event), "rights.answer/1", as_json=as_json)


@app.command("list")
def list_(book: BookFile, on: On = None, as_json: Json = False) -> None:
    """Every case, with the days that are left. Exit 1 when one is late."""
    today, read = _today(on), _book(book)
    cases = list(read.cases.values())
    late = [one for one in cases if one.is_late(today)]
    fields = {"cases": [one.fields(today) for one in cases], "late": len(late)}
    stands = {"lines": read.lines, "last_sha256": read.last}
    tell("rights.list/1", {**fields, **stands}, *(one.line(today) for one in cases), as_json=as_json)
    if not as_json:
        seen = "whoever notes it elsewhere sees what is changed later"
        note(f"gate: {read.lines} lines, the last one's SHA-256 {read.last}: {seen}")
    raise typer.Exit(int(Exit.NO if late else Exit.OK))


@app.command()
def access(
    book: BookFile,
    case: Number,
    logs: Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="A log, as gate audit report takes it.")],
    identity: Annotated[Path, typer.Option(help="An auditor's age identity file.")],
    vkey: Annotated[list[str], typer.Option(help="The log's public key, or a file that holds it.")],
    out: Annotated[Path, typer.Option(help="A folder for the letter and the controller's file; there is none yet.")],
    config: ConfigFile = None,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Look up what the log holds of a case's crossing: a letter for the traveller that gives nothing away, and all of it for the controller.

    Exit 1 where the log contradicts itself, which both are made of all the same: nobody's right waits for that. An erasure's keys stand there, too: gate audit erasure forgets them, at the gate and at central.
    """
    from gate_lab.rights.access import Access, write
    from gate_lab.rights.answers import Controller
    from gate_verify.commands.audit import vkey_text
    from gate_verify.commands.records import explained

    read, controller, today = _book(book), Controller.of(configured(config)), _day(on)
    found = read.cases.get(case)
    if found is None:
        fail(Exit.BAD_DATA, f"there is no case {case}")
    if not found.begun.crossing:
        fail(Exit.BAD_DATA, f"case {case} is about no crossing")
    if out.exists():
        fail(Exit.IO_ERROR, f"{out} is there already; name another")
    with explained():
        held = Access.read(found.begun.crossing, logs, "\n".join(map(vkey_text, vkey)), identity)
    with file_errors(out):
        exported = write(out, held.files(controller), today)
    _add(read, case, exported)
    problems = list(held.contradictions)
    counted = {"records": len(held.records), "keys": held.keys, "contradictions": problems}
    told = f"case {case}: {len(held.records)} records in {out}; letter.txt is for the traveller, controller.json is not"
    lines = (told, *(f"- {problem}" for problem in problems))
    tell("rights.access/1", {"case": case, "out": str(out), **counted}, *lines, as_json=as_json)
    raise typer.Exit(int(Exit.NO if problems else Exit.OK))


@app.command()
def card(
    out: Annotated[Path | None, typer.Option(help="The page to write; a file that is there is kept.")] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Write the system card. Exit 1 while a judgement is blank: with blanks no configuration is put in force, and none that runs is stopped."""
    from gate.programs.shared.basis import basis_of
    from gate.programs.shared.system_card import judgements_of
    from gate_core.approval.canonical import digest, read
    from gate_core.command_line.output import write_new
    from gate_lab.rights.card import facts_of, page

    settings = configured(config)
    with configuration_errors(config):
        judged, text = judgements_of(settings), basis_of(settings)
    basis: dict[str, object] = {name: json.loads(value) for name, value in read(text.encode()).items()}
    chapters, blanks = list(facts_of(settings, basis)), judged.blanks()
    said = {name: str(getattr(judged, name) or "") for name in judged.__struct_fields__}
    if out is not None:
        write_new(out, page(settings, digest(text), chapters, said).encode())
    facts = {chapter: dict(rows) for chapter, rows in chapters}
    fields = {"digest": digest(text), "facts": facts, "judgements": said, "blanks": list(blanks)}
    shown = {**facts, "Judgements": {name: value or "BLANK" for name, value in said.items()}}
    lines = (one for chapter, rows in shown.items() for one in (chapter, *(f"  {name}: {rows[name]}" for name in rows)))
    tell("rights.card/1", fields, *lines, as_json=as_json)
    raise typer.Exit(int(Exit.NO if blanks else Exit.OK))


def _require_number(number: str) -> None:
    from gate_lab.rights.answers import is_receipt

    if not is_receipt(number):
        fail(Exit.USAGE, "a receipt's number has 32 characters, 0 to 9 and a to f")


def _book(path: Path) -> Book:
    from gate_lab.rights.book import Book

    with _explained(path):
        book = Book.read(path)
    if book.torn_bytes:
        note(f"gate: the last line of {path} was never finished; the next entry takes its place")
    return book


def _add(book: Book, number: int | None, event: Event) -> Case:
    with _explained(book.path):
        return book.add(number, event)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    from gate_lab.rights.book import BookError

    try:
        yield
    except BookError as error:
        fail(Exit.BAD_DATA, f"{path}: {error}")
    except OSError as error:
        fail(Exit.IO_ERROR, f"{path}: {error.strerror}")


def _today(on: datetime | None) -> date:
    from gate_core.programs import clock

    return clock.now().date() if on is None else on.date()


def _day(on: datetime | None) -> date:
    """Return the day of an event. Ends the program for a day in the future: with a mistyped year a case would never be late."""
    day = _today(on)
    if (day - _today(None)).days > 1:  # where the sun rises first, tomorrow has begun
        fail(Exit.USAGE, f"--on: {day} is still to come")
    return day


def _show(case: Case, schema: str, *, as_json: bool) -> None:
    told = f"case {case.number}, {case.begun.kind.value}: {case.ends}"
    tell(schema, case.fields(case.begun.received), told, as_json=as_json)
