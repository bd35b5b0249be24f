"""Handovers at the end of a shift: signed by who leaves and by who has read, kept, and looked at when they are read again."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from core_fakes.shifts import NOW_S, OTHER_AUTHORITY, PUBLIC, certificate
from fakes.handovers import handover, reading

from gate_core.evidence.names import Role
from gate_core.orders.certificate import Certificate
from gate_core.orders.errors import ForgedError, MalformedError, OrderError
from gate_core.orders.verbs import Party
from gate_officers.console.handover import (
    HANDOVERS_MAX,
    PAGE_S,
    HandoverError,
    Handovers,
    NotOursError,
    OldPageError,
    OpenAt,
)

ANNA = certificate(7)
BEN: dict[str, Any] = {"number": 8, "officer": "ben"}


def ben(**changes: Any) -> Certificate:
    return certificate(8, officer="ben", **changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "handovers.json"


@pytest.fixture
def handovers(path: Path) -> Handovers:
    return Handovers(path, PUBLIC)


def test_a_handover_outlives_the_console_and_is_read_by_somebody_else(handovers: Handovers, path: Path) -> None:
    handovers.sign(handover("carpet is loose"), ANNA, NOW_S + 60)
    again = Handovers(path, PUBLIC)
    (kept,) = again.kept
    assert (kept.by, kept.words, kept.at) == (ANNA, "carpet is loose", "2026-11-18T11:06Z")
    assert (kept.waits_for("anna"), kept.waits_for("ben")) == (False, True)
    again.mark_read(reading(kept.digest, **BEN), ben(), NOW_S)
    (read,) = Handovers(path, PUBLIC).kept[0].read
    assert (read.officer, read.at) == ("ben", "2026-11-18T11:06Z")
    assert path.stat().st_mode & 0o777 == 0o600


def test_who_has_read_has_read_what_the_page_showed_of_their_gates_and_nothing_that_came_since(
    handovers: Handovers,
) -> None:
    handovers.sign(handover("first"), ANNA, NOW_S)
    shown = handovers.kept[0].digest
    handovers.sign(handover("second"), ANNA, NOW_S)
    handovers.mark_read(reading(shown), ANNA, NOW_S)  # her own
    handovers.mark_read(reading(shown, gates=("south-1",), **BEN), ben(gates=("south-1",)), NOW_S)
    assert [one.read for one in handovers.kept] == [(), ()]
    handovers.mark_read(reading(shown, "0" * 64, **BEN), ben(), NOW_S)
    assert [(one.words, [who.officer for who in one.read]) for one in handovers.kept] == [
        ("second", []),
        ("first", ["ben"]),
    ]


def test_what_is_handed_in_twice_is_kept_once(handovers: Handovers) -> None:
    for _ in range(2):
        handovers.sign(handover(), ANNA, NOW_S)
    assert len(handovers.kept) == 1


FORGED: dict[str, Callable[[], bytes]] = {
    "another key": lambda: handover(signer=9),
    "another officer": lambda: handover(number=8, officer="ben"),
    "a changed byte": lambda: handover("carpet is loose").replace(b"loose", b"level"),
    "another kind": lambda: reading("0" * 64),
    "before the shift": lambda: handover(at=ANNA.not_before - 1),
    "after the shift": lambda: handover(at=ANNA.until),
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("raw", FORGED.values(), ids=FORGED)
def test_what_whoever_is_signed_in_has_not_signed_is_not_kept(handovers: Handovers, raw: Callable[[], bytes]) -> None:
    with pytest.raises(OrderError):
        handovers.sign(raw(), ANNA, NOW_S)
    assert handovers.kept == ()


def test_nobody_signs_off_for_a_gate_at_which_their_shift_is_not_worked(handovers: Handovers) -> None:
    with pytest.raises(ForgedError, match="not worked"):
        handovers.sign(handover(gates=("south-1",)), certificate(7, gates=("south-1",)), NOW_S)


@pytest.mark.parametrize("late_s", [-61, PAGE_S + 1])
def test_what_a_page_showed_too_long_ago_is_looked_at_again_first(handovers: Handovers, late_s: int) -> None:
    with pytest.raises(OldPageError):
        handovers.sign(handover(), ANNA, NOW_S + late_s)


@pytest.mark.parametrize(
    ("role", "party"),
    [(Role.TECHNICIAN, Party.INTEGRATOR), (Role.TECHNICIAN, Party.POLICE), (Role.AUDITOR, Party.AIRPORT)],
)
def test_whoever_takes_over_no_lane_has_read_nothing(handovers: Handovers, role: Role, party: Party) -> None:
    handovers.sign(handover(), ANNA, NOW_S)
    about: dict[str, Any] = {"officer": "tom", "role": role, "party": party}
    with pytest.raises(ForgedError, match="role and party"):
        handovers.mark_read(reading(handovers.kept[0].digest, number=9, **about), certificate(9, **about), NOW_S)
    assert handovers.kept[0].waits_for("ben")


def test_what_was_changed_in_the_file_is_counted_and_not_shown(handovers: Handovers, path: Path) -> None:
    for words in ("one", "two"):
        handovers.sign(handover(words), ANNA, NOW_S)
    handovers.mark_read(reading(*(one.digest for one in handovers.kept), **BEN), ben(), NOW_S)
    stored = json.loads(path.read_bytes())
    stored[0]["signed"] = b64encode(b64decode(stored[0]["signed"]).replace(b"two", b"new")).decode()
    stored[1]["read"] = [b64encode(reading(handovers.kept[1].digest, number=8, signer=7)).decode()]
    path.write_bytes(json.dumps(stored).encode())
    again = Handovers(path, PUBLIC)
    assert ([(one.words, one.read) for one in again.kept], again.unsigned) == ([("one", ())], 2)
    other = Handovers(path, OTHER_AUTHORITY.public_key().public_bytes_raw())
    assert (other.kept, other.unsigned) == ((), 2)


def test_of_many_handovers_the_oldest_are_forgotten(handovers: Handovers) -> None:
    for number in range(HANDOVERS_MAX + 3):
        handovers.sign(handover(f"words {number}"), ANNA, NOW_S)
    assert [one.words for one in handovers.kept][:: HANDOVERS_MAX - 1] == ["words 22", "words 3"]


def test_whatever_a_gate_says_is_open_a_file_of_handovers_can_be_read_again(handovers: Handovers, path: Path) -> None:
    much = tuple(
        OpenAt(gate=f"north-{number}", state="\x7f" * 200, things=("\u20ac" * 200,) * 16) for number in range(64)
    )
    for number in range(6):
        handovers.sign(handover(f"words {number}", *much), ANNA, NOW_S)
    kept = Handovers(path, PUBLIC).kept
    assert (kept[0].words, 1 < len(kept) < 6) == ("words 5", True)


def test_a_handover_without_an_end_is_none(handovers: Handovers) -> None:
    with pytest.raises(MalformedError):
        handovers.sign(bytes(64) + b" " * (2 << 20), ANNA, NOW_S)
    with pytest.raises(MalformedError):
        handover("x" * 501)


@pytest.mark.parametrize("content", [b"{}", b"", b"\xff", b"[" * 100_000, b'[{"signed":7}]', b"null"])
def test_a_file_that_holds_no_handovers_is_named_and_kept(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(NotOursError, match="holds no handovers"):
        Handovers(path, PUBLIC)
    assert path.read_bytes() == content


def test_a_reading_that_changes_nothing_is_not_written(handovers: Handovers, path: Path) -> None:
    handovers.sign(handover(), ANNA, NOW_S)
    handovers.mark_read(reading(handovers.kept[0].digest, **BEN), ben(), NOW_S)
    written = path.stat().st_ino
    for raw, viewer in ((reading(handovers.kept[0].digest, **BEN), ben()), (reading("0" * 64), ANNA)):
        handovers.mark_read(raw, viewer, NOW_S)
    assert path.stat().st_ino == written


def test_a_place_that_cannot_be_written_or_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(HandoverError, match="cannot read"):
        Handovers(tmp_path, PUBLIC)
    with pytest.raises(HandoverError, match="cannot write"):
        Handovers(tmp_path / "none" / "handovers.json", PUBLIC).sign(handover(), ANNA, NOW_S)


def test_words_are_spelt_as_a_browser_spells_them() -> None:
    """As JSON.stringify does: what a page signs is the one spelling."""
    spelt = {"\b\f\n\r\t": r'"\b\f\n\r\t"', "\x0b\x1f": r'"\u000b\u001f"', '\x7f\u2028</"\\': '"\x7f\u2028</\\"\\\\"'}
    assert {words: msgspec.json.encode(words).decode() for words in spelt} == spelt
