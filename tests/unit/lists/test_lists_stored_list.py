"""One list as it is held: what takes its place, what is refused, and what it says of a document."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.signed_lists import GATE, NOW, Agency

from gate.lists.entries import Named
from gate.lists.errors import BadListError, ListError, NoCopyError, NotNewerError, ShrunkError
from gate.lists.stored_list import CURRENT, StoredList
from gate_core import durable
from gate_core.audit_format.note import Signer
from gate_core.evidence.registers import RegisterAnswer, RegisterCause
from gate_core.ports.registers import Answer, Question

STOLEN = Question("P", "UTO", "L898902C3")
CLEAN = Question("P", "UTO", "C01X0006H")
NUMBERS = ["L898902C3", "A1", "B2", "D4"]


@pytest.fixture
def agency() -> Agency:
    return Agency()


@pytest.fixture
def stored(agency: Agency, tmp_path: Path) -> StoredList:
    held = agency.stored(tmp_path)
    held.open()
    held.take(*agency.edition(tmp_path, NUMBERS), NOW)
    return held


def unknown(cause: RegisterCause, edition: str = "1") -> Answer:
    return Answer(RegisterAnswer.UNKNOWN, cause, edition)


def test_a_number_on_the_list_is_a_hit_with_the_owner_s_words_and_reference(agency: Agency, stored: StoredList) -> None:
    answer = stored.ask(STOLEN, NOW)
    assert (answer.answer, answer.cause) == (RegisterAnswer.HIT, RegisterCause.NUMBER_LISTED)
    assert answer.about == "Keep the document, and call the duty officer."
    assert answer.reference == agency.digests(["L898902C3"])[0].hex()
    assert stored.ask(CLEAN, NOW) == Answer(RegisterAnswer.NONE, None, "1")


def test_what_is_held_is_there_again_after_a_start(agency: Agency, stored: StoredList, tmp_path: Path) -> None:
    stored.close()
    again = agency.stored(tmp_path)
    again.open()
    assert again.ask(STOLEN, NOW).answer is RegisterAnswer.HIT
    assert again.ask(CLEAN, NOW).answer is RegisterAnswer.NONE


def test_without_a_list_nothing_is_known(agency: Agency, tmp_path: Path) -> None:
    empty = agency.stored(tmp_path)
    left = tmp_path / "held" / f"{'0' * 64}.entries"  # by a program that was killed before its first edition was held
    left.parent.mkdir()
    left.touch()
    empty.open()
    assert empty.ask(CLEAN, NOW) == Answer(RegisterAnswer.UNKNOWN, RegisterCause.NO_LIST)
    assert not left.exists()


@pytest.mark.parametrize(
    ("header", "after", "cause"),
    [
        ({}, timedelta(hours=24), RegisterCause.LIST_OLD),
        ({"age_max_hours": 2000}, timedelta(hours=47), RegisterCause.NO_COPY),
        ({"age_max_hours": 2000, "copies_kept_hours": 2000}, timedelta(days=30), RegisterCause.LIST_NOT_IN_FORCE),
        ({"first": NOW + timedelta(hours=1)}, timedelta(0), RegisterCause.LIST_NOT_IN_FORCE),
        ({"issued": NOW + timedelta(minutes=1)}, timedelta(0), RegisterCause.LIST_OLD),
    ],
)
def test_a_list_out_of_its_time_says_that_nothing_is_known(
    header: dict[str, Any], after: timedelta, cause: RegisterCause, agency: Agency, tmp_path: Path
) -> None:
    held = agency.stored(tmp_path)
    held.take(*agency.edition(tmp_path, NUMBERS, **header), NOW)
    assert held.ask(STOLEN, NOW + after) == unknown(cause)
    assert held.ask(CLEAN, NOW + after) == unknown(cause)


def test_without_the_agency_s_key_nothing_is_known(agency: Agency, tmp_path: Path) -> None:
    held = agency.stored(tmp_path, secret=None)
    held.take(*agency.edition(tmp_path, NUMBERS), NOW)
    assert held.ask(STOLEN, NOW) == unknown(RegisterCause.NO_KEY)


def test_a_document_without_a_number_is_not_known(stored: StoredList) -> None:
    assert stored.ask(Question("P", "UTO", ""), NOW) == unknown(RegisterCause.NO_NUMBER)
    assert stored.ask(Question("P", "UTO", "X" * 1000), NOW) == unknown(RegisterCause.NO_NUMBER)


def test_somebody_is_found_by_name_where_the_list_has_names(agency: Agency, tmp_path: Path) -> None:
    held = agency.stored(tmp_path)
    anna = Named(reference="A-17", names=("Eriksson, Anna Maria",), born="1974-08-12")
    held.take(*agency.edition(tmp_path, ["A1"], [anna]), NOW)
    found = held.ask(Question("P", "UTO", "C01X0006H", "UTO", "ERIKSSON", "ANNA MARIA", "1974-08-12"), NOW)
    assert (found.answer, found.cause, found.reference) == (RegisterAnswer.HIT, RegisterCause.NAME_ALIKE, "A-17")
    other = held.ask(Question("P", "UTO", "C01X0006H", "UTO", "BERG", "BO", "1974-08-12"), NOW)
    assert other.answer is RegisterAnswer.NONE
    for surname, given in (("BERG", ""), ("", "BERG")):  # who has one name only
        one_name = Question("P", "UTO", "C01X0006H", "UTO", surname, given, "1974-08-12")
        assert held.ask(one_name, NOW).answer is RegisterAnswer.NONE
    assert held.ask(CLEAN, NOW) == unknown(RegisterCause.NO_NAME), "no name was sent"
    assert held.ask(Question("P", "UTO", "C01", "UTO", "王", ""), NOW) == unknown(RegisterCause.NO_NAME)


def test_a_newer_edition_takes_the_place_and_the_older_entries_are_erased(
    agency: Agency, stored: StoredList, tmp_path: Path
) -> None:
    stored.take(*agency.edition(tmp_path, ["A1", "B2", "C3"], serial=2), NOW)
    assert stored.ask(STOLEN, NOW) == Answer(RegisterAnswer.NONE, None, "2")
    held = tmp_path / "held"
    assert len(list(held.glob("*.entries"))) == 1
    assert {oct(one.stat().st_mode & 0o777) for one in held.iterdir()} == {"0o600"}
    assert oct(held.stat().st_mode & 0o777) == "0o700"


@pytest.mark.parametrize("serial", [1, 2])
def test_an_edition_that_is_not_newer_is_refused(
    serial: int, agency: Agency, stored: StoredList, tmp_path: Path
) -> None:
    stored.take(*agency.edition(tmp_path, NUMBERS, serial=2), NOW)
    with pytest.raises(NotNewerError, match="2 is held"):
        stored.take(*agency.edition(tmp_path, ["A1", "B2", "C3"], serial=serial), NOW)
    assert stored.ask(STOLEN, NOW).answer is RegisterAnswer.HIT


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_list_that_lost_half_of_its_entries_is_refused_unless_that_is_meant(
    left: int, agency: Agency, stored: StoredList, tmp_path: Path
) -> None:
    with pytest.raises(ShrunkError, match=f"has {left} numbers after 4"):
        stored.take(*agency.edition(tmp_path, NUMBERS[:left], serial=2), NOW)
    assert stored.ask(STOLEN, NOW).edition == "1", "the edition before stays"
    stored.take(*agency.edition(tmp_path, NUMBERS[:left], serial=2, shrinks=True), NOW)
    assert stored.ask(CLEAN, NOW).edition == "2"


def test_names_that_halve_are_counted_apart_from_numbers(agency: Agency, tmp_path: Path) -> None:
    held = agency.stored(tmp_path)
    both = [Named(reference="A-1", names=("ERIKSSON, ANNA",)), Named(reference="B-2", names=("BERG, BO",))]
    held.take(*agency.edition(tmp_path, NUMBERS, both), NOW)
    with pytest.raises(ShrunkError, match="has 1 names after 2"):
        held.take(*agency.edition(tmp_path, NUMBERS, both[:1], serial=2), NOW)


def test_a_withdrawn_list_hits_nobody_and_says_so(agency: Agency, stored: StoredList, tmp_path: Path) -> None:
    stored.take(agency.withdrawal(2), None, NOW)
    assert stored.ask(STOLEN, NOW) == Answer(RegisterAnswer.NONE, RegisterCause.WITHDRAWN, "2")
    assert not list((tmp_path / "held").glob("*.entries"))
    again = agency.stored(tmp_path)
    again.open()
    assert again.ask(STOLEN, NOW).cause is RegisterCause.WITHDRAWN
    with pytest.raises(NotNewerError):
        again.take(*agency.edition(tmp_path, NUMBERS, serial=1), NOW)
    again.take(*agency.edition(tmp_path, NUMBERS, serial=3), NOW)
    assert again.ask(STOLEN, NOW).answer is RegisterAnswer.HIT


def test_a_delta_leads_to_the_edition_that_its_header_names(agency: Agency, stored: StoredList, tmp_path: Path) -> None:
    assert stored.header is not None
    stored.take(*agency.delta(tmp_path, stored.header, NUMBERS, ["C01X0006H"], ["L898902C3"]), NOW)
    assert stored.ask(STOLEN, NOW) == Answer(RegisterAnswer.NONE, None, "2")
    assert stored.ask(CLEAN, NOW).answer is RegisterAnswer.HIT


def test_a_delta_of_an_edition_that_is_not_held_is_refused(agency: Agency, stored: StoredList, tmp_path: Path) -> None:
    assert stored.header is not None
    first = stored.header
    stored.take(*agency.edition(tmp_path, [*NUMBERS, "E5"], serial=2), NOW)
    with pytest.raises(NotNewerError, match="serial 1, which is not held"):
        stored.take(*agency.delta(tmp_path, first, NUMBERS, ["F6"], [], serial=3), NOW)
    fresh = agency.stored(tmp_path / "elsewhere")
    with pytest.raises(NotNewerError, match="not held"):
        fresh.take(*agency.delta(tmp_path, first, NUMBERS, ["F6"], [], serial=3), NOW)


def test_a_delta_of_other_entries_under_the_same_serial_is_refused(
    agency: Agency, stored: StoredList, tmp_path: Path
) -> None:
    other = agency.stored(tmp_path / "other")
    (tmp_path / "other").mkdir()
    other.take(*agency.edition(tmp_path / "other", ["X1", "X2", "X3", "X4"]), NOW)
    assert other.header is not None
    with pytest.raises(BadListError, match="another edition 1"):
        stored.take(*agency.delta(tmp_path, other.header, ["X1", "X2", "X3", "X4"], ["F6"], []), NOW)
    assert stored.ask(STOLEN, NOW).answer is RegisterAnswer.HIT


def test_a_copy_that_is_not_allowed_here_is_not_taken(agency: Agency, tmp_path: Path) -> None:
    held = agency.stored(tmp_path)
    with pytest.raises(NoCopyError, match=GATE):
        held.take(*agency.edition(tmp_path, NUMBERS, copies_at=("south-1",)), NOW)
    assert not list(tmp_path.glob("held/*.entries"))


def test_a_copy_is_erased_when_its_time_is_over_and_then_nothing_is_known(
    agency: Agency, stored: StoredList, tmp_path: Path
) -> None:
    assert not stored.erase_over(NOW)
    assert stored.erase_over(NOW + timedelta(hours=48))
    assert not stored.erase_over(NOW + timedelta(hours=48)), "once"
    assert not list((tmp_path / "held").glob("*.entries"))
    assert stored.ask(STOLEN, NOW) == unknown(RegisterCause.NO_LIST)
    again = agency.stored(tmp_path)
    again.open()
    assert again.ask(STOLEN, NOW) == unknown(RegisterCause.NO_LIST)


def test_another_agency_s_list_or_another_list_is_refused(agency: Agency, tmp_path: Path) -> None:
    note, path = agency.edition(tmp_path, NUMBERS)
    stranger = Signer("stranger.example", b"s" * 32).verifier
    for other, said in (
        ({"keys": [stranger]}, "not signed"),
        ({"name": "missing-people"}, "is another list"),
        ({"agency": "customs.example"}, "is another list"),
    ):
        with pytest.raises(BadListError, match=said):
            agency.stored(tmp_path, **other).take(note, path, NOW)


def test_entries_that_are_missing_or_changed_leave_the_edition_before(
    agency: Agency, stored: StoredList, tmp_path: Path
) -> None:
    note, path = agency.edition(tmp_path, ["A1", "B2", "C3"], serial=2)
    with pytest.raises(BadListError, match="not there"):
        stored.take(note, None, NOW)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(BadListError, match="not those that its header names"):
        stored.take(note, path, NOW)
    assert stored.ask(STOLEN, NOW).edition == "1"
    assert sorted(one.suffix for one in (tmp_path / "held").iterdir()) == [".entries", ".note"]


def test_the_same_entries_under_a_newer_header_stay(agency: Agency, stored: StoredList, tmp_path: Path) -> None:
    """As an agency says day by day that nothing has changed."""
    note, path = agency.edition(tmp_path, NUMBERS, serial=2)
    broken = path.with_name("broken")
    broken.write_bytes(b"nothing of the kind")
    with pytest.raises(ListError):
        stored.take(note, broken, NOW)
    assert stored.ask(STOLEN, NOW).answer is RegisterAnswer.HIT
    again = agency.stored(tmp_path)
    again.open()
    assert again.ask(STOLEN, NOW).answer is RegisterAnswer.HIT, "after a start, too"
    again.close()
    stored.take(note, path, NOW)
    assert stored.ask(STOLEN, NOW).edition == "2"


def test_names_that_cannot_be_compared_are_refused_with_their_edition(
    agency: Agency, stored: StoredList, tmp_path: Path
) -> None:
    strange = Named(reference="C-3", names=("王小明",))
    with pytest.raises(BadListError, match="cannot be compared"):
        stored.take(*agency.edition(tmp_path, NUMBERS, [strange], serial=2), NOW)
    assert stored.ask(STOLEN, NOW).edition == "1"
    assert "L898902C3" not in repr(STOLEN)


def test_a_link_is_no_file_of_entries(agency: Agency, stored: StoredList, tmp_path: Path) -> None:
    note, path = agency.edition(tmp_path, ["A1", "B2", "C3"], serial=2)
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(OSError, match="a link"):
        stored.take(note, link, NOW)


def test_more_entries_than_the_limit_are_not_copied(
    agency: Agency, stored: StoredList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, path = agency.edition(tmp_path, ["A1", "B2", "C3"], serial=2)
    for limit, refused in (
        (path.stat().st_size - 1, pytest.raises(BadListError, match="too many")),
        (path.stat().st_size, nullcontext()),
    ):
        monkeypatch.setattr("gate.lists.stored_list.FILE_BYTES_MAX", limit)
        with refused:
            stored.take(note, path, NOW)


@pytest.mark.parametrize("step", ["replace", "write", "wipe"])
def test_a_kill_at_any_step_of_a_change_leaves_no_copy_but_of_the_edition_that_is_held(
    step: str, agency: Agency, stored: StoredList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    note, path = agency.edition(tmp_path, ["A1", "B2", "C3"], serial=2)
    with monkeypatch.context() as patched:
        patched.setattr(durable, step, killed)
        patched.setattr(Path, "unlink", killed)  # a dead program tidies nothing up
        with pytest.raises(KilledError):
            stored.take(note, path, NOW)
    folder = tmp_path / "held"
    (folder / ".tmp-incoming").write_bytes(b"half of a copy")
    again = agency.stored(tmp_path)
    again.open()
    assert again.header is not None
    assert {one.name for one in folder.iterdir()} == {CURRENT, f"{again.header.entries}.entries"}
    assert again.ask(CLEAN, NOW).answer is RegisterAnswer.NONE


@pytest.mark.parametrize("step", ["replace", "write", "wipe"])
def test_whatever_step_of_a_change_fails_one_whole_edition_is_held_afterwards(
    step: str, agency: Agency, stored: StoredList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: Callable[..., None] = getattr(durable, step)

    def failing(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, step, failing)
    with pytest.raises(OSError, match="No space"):
        stored.take(*agency.edition(tmp_path, ["A1", "B2", "C3"], serial=2), NOW)
    monkeypatch.setattr(durable, step, whole)
    again = agency.stored(tmp_path)
    again.open()
    assert again.ask(CLEAN, NOW).answer is RegisterAnswer.NONE
    assert again.header is not None
    assert again.header.serial == (2 if step == "wipe" else 1)


def test_a_header_on_the_disk_that_somebody_changed_is_not_believed(
    agency: Agency, stored: StoredList, tmp_path: Path
) -> None:
    path = tmp_path / "held" / CURRENT
    path.write_bytes(path.read_bytes().replace(b"priority = 1", b"priority = 2"))
    again = agency.stored(tmp_path)
    with pytest.raises(BadListError):
        again.open()
    assert again.ask(CLEAN, NOW).cause is RegisterCause.NO_LIST
    assert not list((tmp_path / "held").glob("*.entries")), "nothing says how long it may stay"
    stored.close()
