"""What the console knows of its gates, for every page that watches; and what is handed over at the end of a shift."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from fakes.console_hall import NOON, FakeGate

from gate.screens.console.hall import PAGES_EACH_MAX, Hall
from gate.screens.console.handover import HANDOVERS_MAX, HandoverError, Handovers, OpenAt, Signed
from gate.screens.fanout import FullError


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def test_pages_are_told_of_a_change_and_of_nothing_else() -> None:
    clock, gate = Clock(), FakeGate("north-3")
    hall = Hall([gate], clock_s=clock)
    with hall.watch("anna") as mailbox:
        assert (await mailbox.take()).gates[0].lane is gate.snapshot
        hall.refresh()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await mailbox.take()
        gate.tell(state="reading")
        hall.refresh()
        known = await mailbox.take()
        assert known.gates[0].lane is not None
        assert known.gates[0].lane.state == "reading"


def test_no_officer_takes_the_places_of_all_others() -> None:
    hall = Hall([FakeGate("north-3")], clock_s=Clock(), pages_max=PAGES_EACH_MAX + 2)
    with contextlib.ExitStack() as pages:
        for _ in range(PAGES_EACH_MAX):
            assert not hall.is_full_for("anna")
            pages.enter_context(hall.watch("anna"))
        assert hall.is_full_for("anna")
        with pytest.raises(FullError):
            pages.enter_context(hall.watch("anna"))
        for _ in range(2):
            assert not hall.is_full_for("ben")
            pages.enter_context(hall.watch("ben"))
        assert hall.is_full_for("ben")
    assert not hall.is_full_for("anna")


async def test_a_gate_that_falls_silent_and_an_alarm_that_nobody_answers_are_changes() -> None:
    clock, gate = Clock(), FakeGate("north-3")
    hall = Hall([gate], clock_s=clock)
    with hall.watch("anna") as mailbox:
        await mailbox.take()
        gate.lose()
        hall.refresh()
        assert (await mailbox.take()).gates[0].trouble == "says nothing"
        clock.now_s = 30.0
        hall.refresh()
        assert (await mailbox.take()).calls[0].escalated
        hall.answer("north-3", "lost", "anna")
        assert (await mailbox.take()).calls[0].by == "anna"


def test_whoever_goes_first_goes_and_nobody_goes_to_what_does_not_stand() -> None:
    gate = FakeGate("north-3")
    gate.tell(alarms=["forced"])
    hall = Hall([gate], clock_s=Clock())
    assert hall.answer("north-3", "obstructed", "ben") is None
    for officer in ("anna", "ben"):
        call = hall.answer("north-3", "forced", officer)
        assert call is not None
        assert call.by == "anna"


def signed(officer: str, number: int = 0) -> Signed:
    return Signed(officer, NOON, (OpenAt("north-3", "Free", ()),), f"words {number}")


def test_a_handover_outlives_the_console_and_is_read_by_somebody_else(tmp_path: Path) -> None:
    path = tmp_path / "handovers.json"
    Handovers(path).sign(signed("anna"))
    again = Handovers(path)
    assert again.kept == (signed("anna"),)
    assert not again.kept[0].waits_for("anna")
    again.mark_read("anna", NOON, lambda _: True)
    assert again.kept[0].waits_for("ben")
    again.mark_read("ben", NOON, lambda gate: gate == "north-4")
    assert again.kept[0].waits_for("cleo")
    again.mark_read("ben", NOON, lambda _: True)
    assert [reader.officer for reader in Handovers(path).kept[0].read] == ["ben"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_of_many_handovers_the_oldest_are_forgotten(tmp_path: Path) -> None:
    handovers = Handovers(tmp_path / "handovers.json")
    for number in range(HANDOVERS_MAX + 3):
        handovers.sign(signed("anna", number))
    assert [one.words for one in handovers.kept][:: HANDOVERS_MAX - 1] == ["words 22", "words 3"]


def test_whatever_a_gate_says_is_open_a_file_of_handovers_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "handovers.json"
    handovers = Handovers(path)
    much = tuple(OpenAt(f"north-{number}", "Free", ("x" * 200,) * 16) for number in range(32))
    for number in range(HANDOVERS_MAX):
        handovers.sign(Signed("anna", NOON, much, f"words {number}"))
    kept = Handovers(path).kept
    assert (kept[0].words, len(kept) < HANDOVERS_MAX) == ("words 19", True)
    with pytest.raises(HandoverError, match="too much"):
        handovers.sign(Signed("anna", NOON, much * 16))
    assert Handovers(path).kept == kept


def test_a_file_that_holds_no_handovers_is_named_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "handovers.json"
    path.write_bytes(b"{}")
    with pytest.raises(HandoverError, match="holds no handovers"):
        Handovers(path)
    with pytest.raises(HandoverError, match="cannot write"):
        Handovers(tmp_path / "none" / "handovers.json").sign(signed("anna"))
