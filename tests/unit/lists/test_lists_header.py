"""A list's header: believed by its agency's key, in one spelling, and only where it does not contradict itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.signed_lists import NOW, Agency
from hypothesis import given
from hypothesis import strategies as st

from gate.lists.entries import written
from gate.lists.errors import BadListError
from gate.lists.header import NOTE_BYTES_MAX, Header, believed, signed
from gate_core.audit_format.note import Signer

AGENCY = Agency()
HEADER = AGENCY.header(written([]), 0)


def test_a_signed_header_is_read_as_it_was_written() -> None:
    assert believed(signed(HEADER, AGENCY.signer), [AGENCY.signer.verifier]) == HEADER


def test_any_of_the_agencys_keys_is_believed_and_no_other() -> None:
    other = Signer("police.example", b"o" * 32)
    note = signed(HEADER, AGENCY.signer)
    assert believed(note, [other.verifier, AGENCY.signer.verifier]) == HEADER
    with pytest.raises(BadListError, match="not signed by its agency"):
        believed(note, [other.verifier])
    with pytest.raises(BadListError, match="no key is known"):
        believed(note, [])


@given(at=st.integers(0, 5000), to=st.integers(0, 255))
def test_one_changed_byte_is_believed_by_nobody(at: int, to: int) -> None:
    note = bytearray(signed(HEADER, AGENCY.signer))
    at %= len(note)
    if note[at] == to:
        to ^= 1
    note[at] = to
    with pytest.raises(BadListError):
        believed(bytes(note), [AGENCY.signer.verifier])


@given(noise=st.binary(max_size=200))
def test_noise_is_one_clear_error(noise: bytes) -> None:
    with pytest.raises(BadListError):
        believed(noise, [AGENCY.signer.verifier])
    with pytest.raises(BadListError):
        Header.parse(noise.decode("latin-1"))


def test_a_header_beyond_the_limit_is_not_read() -> None:
    with pytest.raises(BadListError, match="longer than"):
        believed(b"x" * (NOTE_BYTES_MAX + 1), [AGENCY.signer.verifier])


def test_a_note_in_another_spelling_is_refused() -> None:
    note = signed(HEADER, AGENCY.signer)
    twice = note + note.splitlines(keepends=True)[-1]
    assert believed(twice, [AGENCY.signer.verifier]) == HEADER  # a second signature changes nothing
    with pytest.raises(BadListError):
        believed(note.replace(b"\n", b"\r\n"), [AGENCY.signer.verifier])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"last": NOW - timedelta(days=2)}, "ends before it begins"),
        ({"names": 3, "names_allowed": False}, "does not allow them"),
        ({"withdrawn": True, "numbers": 1}, "withdrawn, and has entries"),
        ({"issued": datetime(9999, 12, 31, 23, tzinfo=UTC)}, "a year that nobody reckons with"),
        ({"instructions": "\ud800"}, "cannot be shown"),
        ({"purpose": "a\x1b[2Jb"}, "cannot be shown"),
        ({"basis": "\u202eeees"}, "cannot be shown"),
        ({"instructions": "two\nlines"}, "cannot be shown"),
        ({"delta": {"serial": 9, "entries": "0" * 64, "sha256": "0" * 64}}, "a delta of a later edition"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused_when_it_is_read(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadListError, match=said):
        Header.parse(text_with(changes))


def text_with(changes: dict[str, Any]) -> str:
    """The header's text with other values."""
    fields = {line.partition(" = ")[0]: line for line in HEADER.text.splitlines()[1:]}
    for key, value in changes.items():
        fields[key] = f"{key} = {json.dumps(value, default=lambda moment: moment.isoformat(), sort_keys=True)}"
    return "\n".join(["portcullis list/1", *fields.values()]) + "\n"


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [
        ("serial", (1, 0), (2**53 - 1, 2**53)),
        ("age_max_hours", (1, 0), (24 * 366, 24 * 366 + 1)),
        ("copies_kept_hours", (1, 0), (24 * 366, 24 * 366 + 1)),
        ("priority", (1, 0), (9, 10)),
        ("numbers", (0, -1), (4_000_000, 4_000_001)),
        ("names", (0, -1), (50_000, 50_001)),
        ("purpose", ("p", ""), ("p" * 500, "p" * 501)),
        ("basis", ("b", ""), ("b" * 500, "b" * 501)),
        ("instructions", ("i", ""), ("i" * 300, "i" * 301)),
        ("agency", ("a", ""), ("a" * 63, "a" * 64)),
        ("name", ("n", ""), ("n" * 32, "n" * 33)),
        ("copies_at", ([], [""]), (["n" * 63], ["n" * 64])),
        ("copies_at", (["n"], ["N"]), (["n"] * 1000, ["n"] * 1001)),
        ("issued", (NOW, "then"), (NOW.replace(year=9000), NOW.replace(year=9001))),
        ("last", (HEADER.first + timedelta(seconds=1), HEADER.first), (NOW, HEADER.first - timedelta(seconds=1))),
    ],
)
def test_each_field_is_taken_to_its_limits_and_not_beyond(
    field: str, least: tuple[Any, Any], most: tuple[Any, Any]
) -> None:
    for taken, refused in (least, most):
        # A moment is written as it is spelt once, with a Z.
        told = taken.isoformat().replace("+00:00", "Z") if isinstance(taken, datetime) else taken
        found = getattr(Header.parse(text_with({"names_allowed": True, field: told})), field)
        assert found == (tuple(taken) if isinstance(taken, list) else taken)
        with pytest.raises(BadListError, match=r"is no header of a list: (?!it has another spelling)"):
            Header.parse(text_with({"names_allowed": True, field: refused}))


def test_a_delta_leads_to_a_later_edition() -> None:
    of = {"entries": "0" * 64, "sha256": "0" * 64}
    assert Header.parse(text_with({"serial": 3, "delta": of | {"serial": 2}})).delta is not None
    with pytest.raises(BadListError, match="a delta of a later edition"):
        Header.parse(text_with({"serial": 3, "delta": of | {"serial": 3}}))


def test_a_value_that_is_nested_beyond_reading_is_one_clear_error() -> None:
    with pytest.raises(BadListError, match="is no header of a list"):
        Header.parse(f"portcullis list/1\nname = {'[' * 15_000}\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('about = "lost_documents"', 'about = "score"'),
        ("priority = 1", "priority = 10"),
        ("priority = 1", "priority = 1\npriority = 1"),
        ("priority = 1", "priority = 1 "),
        ("priority = 1", "priority = 1\nrisk = 1"),
        ("serial = 1", 'serial = "1"'),
        ("portcullis list/1", "portcullis list/2"),
    ],
)
def test_another_spelling_an_unknown_field_or_value_is_refused(old: str, new: str) -> None:
    assert old in HEADER.text
    with pytest.raises(BadListError):
        Header.parse(HEADER.text.replace(old, new, 1))


def test_a_header_says_how_long_and_where_it_may_be_copied() -> None:
    here = AGENCY.header(written([]), 0, copies_at=("north-7",), copies_kept_hours=2, issued=NOW)
    assert here.may_be_copied("north-7", NOW + timedelta(minutes=119))
    assert not here.may_be_copied("north-7", NOW + timedelta(hours=2))
    assert not here.may_be_copied("south-1", NOW)
    nowhere = AGENCY.header(written([]), 0, copies_at=(), issued=NOW)
    assert not nowhere.may_be_copied("north-7", NOW)


def test_a_header_is_old_after_its_time_and_before_it_was_issued() -> None:
    header = AGENCY.header(written([]), 0, age_max_hours=24, issued=NOW)
    assert [header.is_old(NOW + timedelta(hours=hours)) for hours in (-1, 0, 24, 25)] == [True, False, False, True]
    assert header.holds(header.first)
    assert header.holds(NOW)
    assert not header.holds(header.last)
    assert not header.holds(header.first - timedelta(seconds=1))
