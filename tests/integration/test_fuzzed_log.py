"""A log that hears nonsense on both of its sockets, beside an honest lane: the short sister of tests/e2e/test_fuzzed_gate.py."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

from fakes.fuzzing import Fuzzer, Held
from fakes.small_gate import small_gate, started

from gate.channel import log_messages
from gate.channel.row import Channel, status_row
from gate.channel.sockets import connect
from gate.channel.table import CHANNELS
from gate.programs.shared.runner import status_of


async def nonsense(fuzzers: list[Fuzzer], count: int) -> None:
    for fuzzer in fuzzers:
        fuzzer.sent = 0
    await asyncio.gather(*(fuzzer.run(count) for fuzzer in fuzzers))


async def test_nonsense_ends_no_log_and_leaves_nothing_in_it(short_path: Path) -> None:
    config = small_gate(short_path)
    async with started(short_path, config, "log") as program:
        channels: tuple[Channel[Any, Any], ...] = (CHANNELS.log, status_row("log"))
        fuzzers = [
            Fuzzer(channel, config.socket(channel.name), random.Random(seed)) for seed, channel in enumerate(channels)
        ]
        await nonsense(fuzzers, 20)
        lane = await connect(CHANNELS.log, config.socket("log"))
        await lane.send(log_messages.OpenCrossingsRequest())
        assert isinstance(await lane.receive(), log_messages.OpenCrossings)
        before = Held.by(program.pid)
        await nonsense(fuzzers, 80)
        await asyncio.sleep(0.3)
        after = Held.by(program.pid)
        assert after.descriptors <= before.descriptors + 1
        assert after.resident_kib <= before.resident_kib + 4 * 1024
        assert all(fuzzer.hung_up for fuzzer in fuzzers)
        await lane.send(log_messages.OpenCrossingsRequest())
        assert isinstance(await lane.receive(), log_messages.OpenCrossings)
        lane.close()
        assert program.returncode is None
        assert await status_of(config, "log") is not None
