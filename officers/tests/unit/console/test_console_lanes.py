"""What the console knows of its gates, for every page that watches."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from officers_fakes.console_doubles import FakeGate

from gate_core.web_pages.fanout import FullError
from gate_officers.console.lanes import PAGES_EACH_MAX, Lanes


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def test_pages_are_told_of_a_change_and_of_nothing_else() -> None:
    clock, gate = Clock(), FakeGate("north-3")
    lanes = Lanes([gate], clock_s=clock)
    with lanes.watch("anna") as mailbox:
        assert (await mailbox.take()).gates[0].lane is gate.snapshot
        lanes.refresh()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await mailbox.take()
        gate.tell(state="reading")
        lanes.refresh()
        known = await mailbox.take()
        assert known.gates[0].lane is not None
        assert known.gates[0].lane.state == "reading"


def test_no_officer_takes_the_places_of_all_others() -> None:
    lanes = Lanes([FakeGate("north-3")], clock_s=Clock(), pages_max=PAGES_EACH_MAX + 2)
    with contextlib.ExitStack() as pages:
        for _ in range(PAGES_EACH_MAX):
            assert not lanes.is_full_for("anna")
            pages.enter_context(lanes.watch("anna"))
        assert lanes.is_full_for("anna")
        with pytest.raises(FullError):
            pages.enter_context(lanes.watch("anna"))
        for _ in range(2):
            assert not lanes.is_full_for("ben")
            pages.enter_context(lanes.watch("ben"))
        assert lanes.is_full_for("ben")
    assert not lanes.is_full_for("anna")


async def test_a_gate_that_falls_silent_and_an_alarm_that_nobody_answers_are_changes() -> None:
    clock, gate = Clock(), FakeGate("north-3")
    lanes = Lanes([gate], clock_s=clock)
    with lanes.watch("anna") as mailbox:
        await mailbox.take()
        gate.lose()
        lanes.refresh()
        assert (await mailbox.take()).gates[0].trouble == "says nothing"
        clock.now_s = 30.0
        lanes.refresh()
        assert (await mailbox.take()).calls[0].escalated
        lanes.answer("north-3", "lost", "anna")
        assert (await mailbox.take()).calls[0].by == "anna"


def test_whoever_goes_first_goes_and_nobody_goes_to_what_does_not_stand() -> None:
    gate = FakeGate("north-3")
    gate.tell(alarms=["forced"])
    lanes = Lanes([gate], clock_s=Clock())
    assert lanes.answer("north-3", "obstructed", "ben") is None
    for officer in ("anna", "ben"):
        call = lanes.answer("north-3", "forced", officer)
        assert call is not None
        assert call.by == "anna"
