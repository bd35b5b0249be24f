"""The book of cases: deadlines, what may follow what, and that nothing in it is changed unseen."""

from __future__ import annotations

import contextlib
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_lab.rights import book as module
from gate_lab.rights.book import (
    Answered,
    Book,
    BookError,
    Event,
    Exported,
    Extended,
    Kind,
    Outcome,
    Received,
    months_after,
)

DAY = date(2026, 12, 5)
RECEIVED = Received(Kind.ACCESS, "ab" * 16, DAY, "what is kept")
MORE = Extended(date(2026, 12, 20), "N. N.", "two hundred cases")
GIVEN = Exported(date(2026, 12, 21), {"letter.txt": "cd" * 32})
DONE = Answered(date(2026, 12, 22), "N. N.", Outcome.GRANTED, "as asked")


def filled(path: Path, *events: Event) -> Book:
    book = Book.read(path)
    for event in events:
        book.add(None if isinstance(event, Received) else 1, event)
    return book


def test_a_case_that_no_calendar_has_a_deadline_for_is_refused_and_so_is_a_book_with_one(tmp_path: Path) -> None:
    last = replace(RECEIVED, received=date(9999, 12, 1))
    with pytest.raises(BookError, match="calendar"):
        Book.read(tmp_path / "cases").add(None, last)
    (tmp_path / "forged").write_bytes(module._line(1, last, module.BEGINS))
    with pytest.raises(BookError, match="calendar"):
        Book.read(tmp_path / "forged")


def test_a_case_goes_from_its_receipt_to_its_answer_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "cases"
    filled(path, RECEIVED, MORE, GIVEN, DONE)
    (case,) = Book.read(path).cases.values()
    assert (case.number, case.begun, case.extended, case.exports, case.answer) == (1, RECEIVED, True, 1, DONE)
    assert case.days_left(DAY) is None
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_is_due_in_a_month_and_two_more_where_that_was_said_in_time(tmp_path: Path) -> None:
    book = filled(tmp_path / "cases", RECEIVED)
    assert book.cases[1].due == date(2027, 1, 5)
    assert (book.cases[1].days_left(date(2027, 1, 5)), book.cases[1].days_left(date(2027, 1, 7))) == (0, -2)
    with pytest.raises(BookError, match="once, and until 2027-01-05"):
        book.add(1, Extended(date(2027, 1, 6), "N. N.", "late"))
    assert book.add(1, MORE).due == date(2027, 3, 5)
    with pytest.raises(BookError, match="once"):
        book.add(1, MORE)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [(date(2026, 1, 31), 1, date(2026, 2, 28)), (date(2026, 12, 31), 2, date(2027, 2, 28)), (DAY, 1, date(2027, 1, 5))],
)
def test_a_month_ends_on_the_same_day_or_the_months_last(day: date, months: int, expected: date) -> None:
    assert months_after(day, months) == expected


def test_what_does_not_follow_is_refused_and_nothing_written(tmp_path: Path) -> None:
    book = filled(tmp_path / "cases", RECEIVED, DONE)
    before = book.path.read_bytes()
    for number, event in ((1, DONE), (1, MORE), (2, DONE), (1, RECEIVED), (9, RECEIVED)):
        with pytest.raises(BookError):
            book.add(number, event)
    with pytest.raises(BookError, match="more than 1000 letters"):
        book.add(None, Received(Kind.COMPLAINT, "", DAY, "x" * 1_001))
    assert book.path.read_bytes() == before


def test_a_line_that_no_book_would_have_taken_is_named(tmp_path: Path) -> None:
    book = filled(tmp_path / "cases", RECEIVED)
    late = module._line(1, replace(MORE, on=date(2027, 1, 6)), book.last)
    with book.path.open("ab") as file:
        file.write(late)
    with pytest.raises(BookError, match="line 2: case 1 can be extended once, and until 2027-01-05"):
        Book.read(book.path)


@given(data=st.data())
def test_a_byte_that_was_changed_or_a_line_that_was_taken_out_is_seen(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("book") / "cases"
    filled(path, RECEIVED, MORE, GIVEN, DONE)
    raw = path.read_bytes()
    lines = raw.splitlines(keepends=True)
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(raw) - 1))
        changed = raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :]
        if changed.splitlines(keepends=True)[:-1] == lines[:-1]:
            return  # the last line has none after it
    else:
        del lines[data.draw(st.integers(0, len(lines) - 2))]
        changed = b"".join(lines)
    path.write_bytes(changed)
    with pytest.raises(BookError, match="line "):
        Book.read(path)


@pytest.mark.parametrize(
    "raw", [b"{}\n", b"[]\n", b"1\n", b'{"case":1}\n', b"\xff\n", b"[" * 5_000 + b"\n", b'{"case":true,"before":0}\n']
)
def test_what_is_no_book_has_one_line_that_says_so(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "cases").write_bytes(raw)
    with pytest.raises(BookError, match="line 1: is "):
        Book.read(tmp_path / "cases")


def test_two_who_write_at_once_do_not_break_it(tmp_path: Path) -> None:
    one, other = Book.read(tmp_path / "cases"), Book.read(tmp_path / "cases")
    one.add(None, RECEIVED)
    with pytest.raises(BookError, match="somebody else wrote"):
        other.add(None, RECEIVED)
    assert len(Book.read(tmp_path / "cases").cases) == 1


def test_a_last_line_that_was_never_finished_is_passed_over_and_the_next_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "cases"
    filled(path, RECEIVED, MORE)
    first = path.read_bytes().splitlines(keepends=True)[0]
    second = path.read_bytes()[len(first) :]
    for cut in range(len(second)):
        path.write_bytes(first + second[:cut])
        book = Book.read(path)
        assert (book.lines, book.torn_bytes, book.cases[1].extended) == (1, cut, False)
        book.add(1, GIVEN)
        again = Book.read(path)
        assert (again.lines, again.torn_bytes, again.cases[1].exports) == (2, 0, 1)
    path.write_bytes(first + second[:9] + b"\n")
    with pytest.raises(BookError, match="line 2"):
        Book.read(path)


def test_what_a_full_disk_takes_half_of_is_not_in_the_book(tmp_path: Path) -> None:
    path = tmp_path / "cases"
    book = filled(path, RECEIVED)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, limits[1]))
        with pytest.raises(OSError, match="File too large"):
            book.add(1, GIVEN)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    assert path.read_bytes() == before
    book.add(1, GIVEN)
    assert Book.read(path).cases[1].exports == 1


def test_many_who_write_at_once_lose_nothing_and_break_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cases"

    def write(_: int) -> None:
        while True:
            with contextlib.suppress(BookError):
                Book.read(path).add(None, RECEIVED)
                return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(24)))
    assert Book.read(path).lines == 24


def test_nothing_is_dated_before_its_case_began(tmp_path: Path) -> None:
    book = filled(tmp_path / "cases", RECEIVED)
    for event in (MORE, GIVEN, DONE):
        with pytest.raises(BookError, match="began on 2026-12-05, which is later"):
            book.add(1, replace(event, on=date(2026, 12, 4)))


def test_a_full_book_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINES_MAX", 2)
    book = filled(tmp_path / "cases", RECEIVED, RECEIVED)
    with pytest.raises(BookError, match="full"):
        book.add(None, RECEIVED)
