"""10^5 fuzzed messages over every socket of a running gate: no program ends, none leaks, and a genuine traveller passes afterwards."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest
from fakes.fuzzing import Fuzzer, Held
from fakes.whole_gate import PROGRAMS, Gate, running

from gate.channel.table import CHANNELS
from gate.programs.shared.runner import status_of
from gate_core.evidence.screen import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.long]

MESSAGES = 100_000
WARM_UP = 5_000
CONNECTIONS = 2  # a channel; the officer has others of the same user
GROWTH_MAX_KIB = 12 * 1024
DESCRIPTORS_MORE_MAX = 4  # a connection that was just accepted, and its like


def held(gate: Gate) -> dict[str, Held]:
    return {name: Held.by(pid) for name, child in gate.family.children.items() if (pid := child.pid) is not None}


async def fuzz(gate: Gate, messages: int, seed: int) -> dict[str, dict[str, int]]:
    """Send so many in all, to each channel as many as its rate's share: all are done at about the same time."""
    rng = random.Random(seed)
    rows = [row for row in CHANNELS.every() if row.listener in PROGRAMS]
    whole = sum(channel.to_listener_rate.a_second for channel in rows)
    fuzzers = [
        Fuzzer(channel, gate.stage.config.socket(channel.name), random.Random(rng.random()))
        for channel in rows
        for _ in range(CONNECTIONS)
    ]
    shares = [f.channel.to_listener_rate.a_second / whole / CONNECTIONS for f in fuzzers]
    async with asyncio.TaskGroup() as tasks:
        for fuzzer, share in zip(fuzzers, shares, strict=True):
            tasks.create_task(fuzzer.run(round(share * messages) + 1))
    said: dict[str, dict[str, int]] = {}
    for fuzzer in fuzzers:
        counts = said.setdefault(fuzzer.channel.name, {"sent": 0, "hung_up": 0})
        counts["sent"] += fuzzer.sent
        counts["hung_up"] += fuzzer.hung_up
    return said


async def recovered(gate: Gate) -> None:
    """Return when vision has a spare child again: a message that happened to be whole may have taken it."""
    async with asyncio.timeout(60):
        while True:
            status = await status_of(gate.stage.config, "vision")
            if status is not None and status.state == "ready":
                return
            await asyncio.sleep(0.2)


async def test_a_hundred_thousand_fuzzed_messages_end_nothing_and_leave_nothing(short_path: Path) -> None:
    async with running(short_path) as gate:
        await gate.until(Screen.WELCOME)
        assert await gate.passes()
        await fuzz(gate, WARM_UP, seed=1)
        await recovered(gate)
        await asyncio.sleep(3)
        before = held(gate)
        said = await fuzz(gate, MESSAGES, seed=2)
        await recovered(gate)
        await asyncio.sleep(3)
        after = held(gate)
        figures = {
            name: {
                "descriptors": [before[name].descriptors, after[name].descriptors],
                "resident_kib": [before[name].resident_kib, after[name].resident_kib],
                "starts": gate.family.children[name].starts,
            }
            for name in PROGRAMS
        }
        print(json.dumps({"messages": said, "programs": figures}))  # noqa: T201 - the figures of the run
        assert sum(counts["sent"] for counts in said.values()) >= MESSAGES
        assert all(counts["hung_up"] for counts in said.values()), "each channel refuses some"
        assert {name: one["starts"] for name, one in figures.items()} == dict.fromkeys(PROGRAMS, 1)
        for name in PROGRAMS:
            assert after[name].descriptors <= before[name].descriptors + DESCRIPTORS_MORE_MAX, name
            assert after[name].resident_kib <= before[name].resident_kib + GROWTH_MAX_KIB, name
            assert await status_of(gate.stage.config, name) is not None
        assert await gate.passes()
