"""Whatever is asked of a gate on contacts, in whatever order and however soon after one another: one contact at a time, and never held."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from fakes.contacts_gate import TICK_S, ContactsBench, contacts_bench
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_contract.virtual_time import in_virtual_time
from gate_core.errors import DriverError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import Direction, LampColour
from hardware_sim.barrier.relays import STOP

CALLS: dict[str, Callable[[ContactsBench], Awaitable[object]]] = {
    "status": lambda made: made.barrier.status(),
    "grant": lambda made: made.barrier.grant(Direction.ENTRY, 10_000),
    "grant out": lambda made: made.barrier.grant(Direction.EXIT, 10_000),
    "revoke": lambda made: made.barrier.revoke(),
    "release": lambda made: made.barrier.release(),
    "lamp": lambda made: made.barrier.lamp(LampColour.GREEN),
    "clear": lambda made: made.barrier.clear_alarms(tuple(Alarm)),
    "end": lambda made: made.barrier.end_emergency(),
    "connect": lambda made: made.barrier.connect(),
}
PULSE_S = 0.3


class Watch:
    """For how long a contact was closed at the longest."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._since: dict[int, float] = {}

    def __call__(self, line: int, high: bool) -> None:  # noqa: FBT001 - the chip's word
        now_s = asyncio.get_running_loop().time()
        if not high and line in self._since:
            self.longest_s = max(self.longest_s, now_s - self._since.pop(line))
        elif high and line <= STOP:
            self._since.setdefault(line, now_s)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(sorted(CALLS)), st.floats(0, 0.7), st.sampled_from(["", "fire", "well", "cancel"])),
        min_size=1,
        max_size=25,
    )
)
@in_virtual_time
async def test_one_contact_at_a_time_never_held_and_no_grant_but_those_asked_for(
    steps: list[tuple[str, float, str]],
) -> None:
    async def call(made: ContactsBench, name: str) -> None:
        with contextlib.suppress(DriverError, asyncio.CancelledError):
            await CALLS[name](made)

    async with contacts_bench() as made, asyncio.TaskGroup() as tasks:
        watch = made.watch = Watch()
        await made.barrier.connect()
        for name, wait_s, event in steps:
            running = tasks.create_task(call(made, name))
            if event in {"fire", "well"}:
                made.gate.fire = event == "fire"
            await asyncio.sleep(wait_s)
            if event == "cancel":
                running.cancel()
        await asyncio.sleep(2)
        asked = [name for name, _, _ in steps]
        assert made.turnstile.at_once <= 1
        assert watch.longest_s <= PULSE_S + TICK_S
        assert not made.told.count("held_open")
        assert made.grants(Direction.ENTRY) <= asked.count("grant")
        assert made.grants(Direction.EXIT) <= asked.count("grant out") + asked.count("release")
