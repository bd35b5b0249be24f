"""The inbox as a neighbour in bad hands fills it: looks stay short, nothing is followed, waited for or overwritten."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gate.audit import inbox
from gate.audit.inbox import ERASURE, Found, Inbox

SOON_S = 2.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def box(tmp_path: Path, folder: Path) -> Inbox:
    return Inbox(folder, tmp_path / "refused")


def names(found: list[Found]) -> list[str]:
    return [one.name for one in found]


def test_receipts_are_taken_the_largest_first_and_others_left_alone(box: Inbox, folder: Path) -> None:
    for name in ("receipt-5.note", "receipt-40.note", ".tmp-receipt-50.note", "receipt-x.note", "else"):
        (folder / name).write_bytes(name.encode())
    found = box.look()
    assert [one.note for one in found] == [b"receipt-40.note", b"receipt-5.note"]
    box.remove(found[0])
    box.remove(found[0])
    box.refuse(found[1])
    assert box.look() == []
    assert sorted(one.name for one in folder.iterdir()) == [".tmp-receipt-50.note", "else", "receipt-x.note"]
    assert (folder.parent / "refused" / "receipt-5.note").read_bytes() == b"receipt-5.note"


def test_an_inbox_that_is_not_there_is_empty_until_it_is(tmp_path: Path) -> None:
    box = Inbox(tmp_path / "missing", tmp_path / "refused")
    assert box.look() == []
    (tmp_path / "missing").mkdir()
    (tmp_path / "missing" / "receipt-1.note").write_bytes(b"1")
    assert names(box.look()) == ["receipt-1.note"]
    box.close()


def test_receipts_are_bounded_in_number_and_size(box: Inbox, folder: Path) -> None:
    for n in range(inbox.RECEIPTS_MAX + 3):
        (folder / f"receipt-{n}.note").write_bytes(b"x" * inbox.RECEIPT_BYTES_MAX)
    (folder / "receipt-99.note").write_bytes(b"x" * (inbox.RECEIPT_BYTES_MAX + 1))
    assert names(box.look()) == [f"receipt-{n}.note" for n in range(inbox.RECEIPTS_MAX + 2, 2, -1)]


def hostile(folder: Path, what: str) -> Path:
    """Something that is named like the receipt of the largest size and is none."""
    path = folder / "receipt-900.note"
    match what:
        case "fifo":
            os.mkfifo(path)
        case "link":
            (folder.parent / "secret").write_bytes(b"the log's key")
            path.symlink_to(folder.parent / "secret")
        case "link to a device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "endless":
            path.touch()
            os.truncate(path, 1 << 40)
        case _:
            raise AssertionError(what)
    return path


@pytest.mark.parametrize("what", ["fifo", "link", "link to a device", "folder", "endless"])
def test_what_is_no_receipt_holds_up_nothing_and_stays_where_it_is(box: Inbox, folder: Path, what: str) -> None:
    path = hostile(folder, what)
    (folder / "receipt-3.note").write_bytes(b"3")
    began = time.monotonic()
    for _ in range(3):
        assert names(box.look()) == ["receipt-3.note"]
    assert time.monotonic() - began < SOON_S
    assert os.path.lexists(path)


def test_a_folder_of_many_names_is_gone_through_a_part_at_a_time(box: Inbox, folder: Path) -> None:
    for n in range(2 * inbox.NAMES_MAX):
        (folder / f"junk-{n}").touch()
    (folder / "receipt-7.note").write_bytes(b"7")
    looks = [(len(box.look()), box.is_through) for _ in range(4)]
    assert sum(found for found, _ in looks[:3]) == 1, "all of it was seen in three looks"
    assert [through for _, through in looks] == [False, False, True, False]
    box.close()


def test_a_refused_receipt_overwrites_nothing_in_the_neighbours_folder(box: Inbox, folder: Path) -> None:
    """It used to be renamed there: a folder of that name made it come back for ever, a file of that name was lost."""
    (folder / "refused-4.note").mkdir()
    (folder / "refused-5.note").write_bytes(b"kept")
    for n in (4, 5):
        (folder / f"receipt-{n}.note").write_bytes(b"forged")
    for one in box.look():
        box.refuse(one)
    assert box.look() == []
    assert (folder / "refused-5.note").read_bytes() == b"kept"


def test_a_receipt_that_became_a_folder_meanwhile_is_no_error(box: Inbox, folder: Path) -> None:
    path = folder / "receipt-4.note"
    path.write_bytes(b"forged")
    (found,) = box.look()
    path.unlink()
    path.mkdir()
    box.refuse(found)
    assert box.look() == []


def test_of_those_that_were_refused_some_are_kept(box: Inbox, folder: Path) -> None:
    for n in range(3 * inbox.REFUSED_MAX):
        (folder / f"receipt-{n}.note").write_bytes(b"forged")
        for one in box.look():
            box.refuse(one)
    assert len(list((folder.parent / "refused").iterdir())) == inbox.REFUSED_MAX
    assert list(folder.iterdir()) == []


def test_what_came_in_the_place_of_what_was_read_is_left_for_another_look(box: Inbox, folder: Path) -> None:
    """An order that replaced one that was being carried out was lost with it."""
    (folder / inbox.ERASURE).write_bytes(b"first")
    found = box.named(ERASURE)
    assert found is not None
    (folder / inbox.ERASURE).write_bytes(b"second")
    box.remove(found)
    again = box.named(ERASURE)
    assert again is not None
    assert again.note == b"second"
    box.refuse(found)
    assert box.named(ERASURE) == again
    box.remove(again)
    assert box.named(ERASURE) is None
