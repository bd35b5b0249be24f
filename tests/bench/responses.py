"""Response times of the real lane program: from a cause to the order on a barrier's line. `python -m bench.responses` prints the table.

Real are the lane and log programs as processes, their channels, an officer's signed orders, and the drivers. The boards of two doors and the
sensor unit between them are simulated, each on a paced line of its own. A time ends when the board has received the whole order.
`docs/response-times.md` has the figures, and what is not measured here.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

from fakes.direct_slot import DirectSlot
from fakes.killed_lane import BAUD, LINES, vision

from gate.channel import order_messages
from gate.channel.errors import ChannelError
from gate.channel.sockets import serve
from gate.channel.table import CHANNELS
from gate.passage.names import Outcome
from gate.programs.shared.runner import status_of
from gate.programs.shared.terminal import Terminal
from gate_core.command_line.key_files import read_shift
from gate_core.command_line.output import emit_json, note, say
from gate_core.orders.order import Challenge
from gate_core.orders.verbs import Verb
from gate_demo import stage as staging
from gate_demo.world import Chip, Ready
from hardware_sim.barrier.device import Barrier
from hardware_sim.passport.issuer import Issuer
from hardware_sim.pty import SerialLine
from hardware_sim.readers.kinds import KINDS
from hardware_sim.sensors.device import BAUD as SENSORS_BAUD
from hardware_sim.sensors.device import SensorDevice

DEADLINE_S = 30.0
ATTEMPTS_MAX = 5
POLL_S = 0.02
NICE: Final = -10  # as in systemd/gate-lane.service
# Boards and sensors have computers of their own: their simulation goes before everything here, and what it starts does not.
ORDINARY: Final = ("chrt", "--other", "0") if os.geteuid() == 0 else ()
INSIDE_M, OUTSIDE_M = 1.5, -1.0
Happened = list[tuple[str, float]]  # an event at a device, and the millisecond of CLOCK_MONOTONIC


class NotGrantedError(Exception):
    """The lane referred a traveller whom an officer admitted."""


class Bench:
    """The lane, its devices and its officer. Made by `bench`."""

    def __init__(self, folder: Path, state: Path, *, before_lane: tuple[str, ...] = ()) -> None:
        """`state`: the folder of the log's and the lane's files. `before_lane`: a command that starts the lane, such as `chrt`."""
        self._folder, self._before_lane = folder, before_lane
        self.chance = random.Random(1)
        self.first, self.last, self.inside = Happened(), Happened(), Happened()
        self.boards = {"first": Barrier(partial(_note, self.first)), "last": Barrier(partial(_note, self.last))}
        self.sensors = SensorDevice("portcullis-sim", partial(_note, self.inside))
        self.reader = KINDS["elyctis"].make(1)
        self._lines = [
            SerialLine(folder / "first", self.boards["first"], baud=BAUD, seed=1),
            SerialLine(folder / "last", self.boards["last"], baud=BAUD, seed=2),
            SerialLine(folder / "sensors", self.sensors, baud=SENSORS_BAUD, seed=3),
            SerialLine(folder / "swipe", self.reader, baud=KINDS["elyctis"].baud, seed=4),
        ]
        self._chip = DirectSlot(folder / "chip")
        self._chip.card, self._chip.answer = True, b"\x6a\x82"
        csca = []
        for name, content in Issuer(1).csca_files().items():
            (folder / name).write_bytes(content)
            csca.append(str(folder / name))
        ready = Ready(
            barrier=str(folder / "last"),
            first_barrier=str(folder / "first"),
            sensors=str(folder / "sensors"),
            swipe=str(folder / "swipe"),
            camera="http://127.0.0.1:9/",
            chip=Chip("direct", str(folder / "chip"), ""),
            csca=csca,
            reader={"kind": "elyctis", **KINDS["elyctis"].settings()},
            truth="",
        )
        self.stage = staging.prepare(
            folder, ready, state=state, models=folder, face_profile="standard", enrol=lambda _: None, presence_max_s=600
        )
        self._shift, _ = read_shift(self.stage.shift)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start everything, and end it."""
        for line in self._lines:
            line.start()
        await self._chip.start()
        self.log = await self._program("log")
        self.lane: asyncio.subprocess.Process | None = None
        try:
            async with serve(CHANNELS.vision, self.stage.config.socket("vision"), vision):
                while await status_of(self.stage.config, "log", pid=self.log.pid) is None:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(POLL_S)
                await self.start_lane()
                yield
        finally:
            for process in (self.log, self.lane):
                if process is not None and process.returncode is None:
                    process.send_signal(signal.SIGCONT)
                    process.kill()
                    await process.wait()
            await self._chip.stop()
            for line in self._lines:
                line.stop()

    async def _program(self, name: str, *before: str) -> asyncio.subprocess.Process:
        command = (
            *ORDINARY,
            *before,
            sys.executable,
            "-m",
            "gate.cli",
            "run",
            name,
            "--config",
            str(self.stage.config_path),
        )
        return await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)

    async def start_lane(self) -> None:
        """Start the lane program, with the priority of its unit, and connect to it as an officer."""
        before = ("nice", "-n", str(NICE)) if os.geteuid() == 0 else ()
        self.lane = await self._program("lane", *self._before_lane, *before)
        deadline_s = time.monotonic() + DEADLINE_S
        while True:
            with contextlib.suppress(ChannelError, OSError):
                self._terminal = await Terminal.reach(self.stage.config.socket("orders"))
                await self._terminal.look()
                break
            assert time.monotonic() < deadline_s, "the lane does not answer"
            await asyncio.sleep(POLL_S)

    async def look(self) -> order_messages.Look:
        """Ask the lane for its state."""
        return await self._terminal.look()

    async def order(
        self, verb: Verb, crossing: str | None = None, argument: str | None = None, *, may_fail: bool = False
    ) -> float:
        """Submit a signed order; return when it was sent, in milliseconds."""
        for _ in range(3):
            look = await self.look()
            challenge = Challenge(issued_ms=look.issued_ms, nonce=look.nonce, version=look.version)
            signed = self._shift.sign(
                verb, gate=look.gate, challenge=challenge, crossing=crossing, reason="a measurement", argument=argument
            )
            sent_ms = time.monotonic() * 1000
            answer = await self._terminal.submit(signed)
            if answer.outcome is not Outcome.STALE:
                assert may_fail or answer.outcome in {Outcome.DONE, Outcome.ORDERED}, answer
                return sent_ms
        raise AssertionError("the order stays stale")

    async def until(self, so: Callable[[order_messages.Look], bool], what: str) -> order_messages.Look:
        """Wait for a state of the lane."""
        deadline_s = time.monotonic() + DEADLINE_S
        while not so(look := await self.look()):
            assert time.monotonic() < deadline_s, f"not {what}: {look}"
            await asyncio.sleep(POLL_S)
        return look

    async def rest(self) -> None:
        """Settle what waits, and wait until both boards are closed and the lane is idle; then for up to a poll more."""
        deadline_s = time.monotonic() + DEADLINE_S
        while True:
            look = await self.look()
            if look.alarms or look.notices:
                await self.order(Verb.ACKNOWLEDGE, may_fail=True)
            for waiting in look.referred:
                await self.order(Verb.HAND_OVER, waiting.crossing, "taken_over")
            moved = [[event for event, _ in one if event.startswith("leaf_")] for one in (self.first, self.last)]
            if (
                look.state == "idle"
                and not look.referred
                and all(not one or one[-1] == "leaf_at_rest closed" for one in moved)
            ):
                break
            assert time.monotonic() < deadline_s, f"not at rest: {look}"
            await asyncio.sleep(self.chance.uniform(0.1, 0.3))


def _note(happened: Happened, event: str, *, at: str = "", **_: object) -> None:
    happened.append((f"{event} {at}".strip(), time.monotonic() * 1000))


async def first(happened: Happened, event: str, since: int) -> float:
    """Wait for the first such event after the first `since` ones; return its millisecond."""
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        for name, at_ms in happened[since:]:
            if name == event:
                return at_ms
        assert time.monotonic() < deadline_s, f"no {event}; the last were {happened[-5:]}"
        await asyncio.sleep(POLL_S / 2)


# ── the causes ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def release(bench: Bench) -> float:
    """An officer's release, sent -> received by the board of the first door, the way out. Given again and again while the leaf stands open."""
    since = len(bench.first)
    sent_ms = await bench.order(Verb.RELEASE)
    took_ms = await first(bench.first, "release_received", since) - sent_ms
    await asyncio.sleep(bench.chance.uniform(0.03, 0.09))
    return took_ms


async def emergency(bench: Bench) -> float:
    """An officer's emergency, sent -> received by the later of both boards."""
    since = len(bench.first), len(bench.last)
    sent_ms = await bench.order(Verb.OPEN_EMERGENCY)
    heard_ms = [
        await first(one, "release_received", at) for one, at in zip((bench.first, bench.last), since, strict=True)
    ]
    await _end(bench)
    return max(heard_ms) - sent_ms


async def fire(bench: Bench) -> float:
    """The fire input of the first door -> the order to open, received by the board of the last door."""
    since, began_ms = len(bench.last), time.monotonic() * 1000
    bench.boards["first"].set_fire(active=True)
    heard_ms = await first(bench.last, "release_received", since)
    bench.boards["first"].set_fire(active=False)
    await asyncio.sleep(0.2)
    await _end(bench)
    return heard_ms - began_ms


async def _end(bench: Bench) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while (await bench.look()).state == "emergency":  # refused while a board still sees the fire, or was not heard yet
        assert time.monotonic() < deadline_s, "the emergency does not end"
        await bench.order(Verb.END_EMERGENCY, may_fail=True)
        await asyncio.sleep(0.2)
    await bench.rest()


async def call(bench: Bench) -> float:
    """The call button between the doors, pressed by a person who is locked in -> the order to open, received by a board."""
    bench.sensors.walk("locked in", INSIDE_M)
    await asyncio.sleep(1.0)
    since, began_ms = len(bench.first), time.monotonic() * 1000
    bench.sensors.press(pressed=True)
    heard_ms = await first(bench.first, "release_received", since)
    bench.sensors.press(pressed=False)
    await first(bench.first, "leaf_at_rest open", since)
    bench.boards["first"].walk_out("locked in")
    bench.sensors.walk("locked in", OUTSIDE_M)
    await first(bench.first, "counted", since)
    await bench.rest()
    return heard_ms - began_ms


async def revocation(bench: Bench) -> float:
    """A person who was admitted leaves the zone backwards -> the end of the grant at its board. The beams see that within a step of the board."""
    bench.reader.insert(LINES)
    look = await bench.until(lambda look: bool(look.referred), "referred")
    since = len(bench.first)
    await bench.order(Verb.ADMIT, look.referred[0].crossing, may_fail=True)
    if not await _granted(bench, since):
        bench.reader.remove()
        await bench.rest()
        raise NotGrantedError
    bench.boards["first"].walk_in("holder")
    await first(bench.first, "body_entered", since)
    await asyncio.sleep(bench.chance.uniform(0.15, 0.25))
    bench.boards["first"].turn_back("holder")
    left_ms = await first(bench.first, "walked_back", since)
    took_ms = await first(bench.first, "grant_ended", since) - left_ms
    bench.reader.remove()
    await bench.rest()
    return took_ms


async def _granted(bench: Bench, since: int) -> bool:
    """Wait for a grant; False if the lane refers the traveller instead."""
    while not any(event == "grant_received" for event, _ in bench.first[since:]):
        look = await bench.look()
        if look.state in {"referred", "idle"}:
            return False
        await asyncio.sleep(POLL_S)
    return True


async def death(bench: Bench) -> float:
    """SIGKILL of the lane in an emergency, started again after 0.1 s as its unit does -> the order to open, received by the later of both boards."""
    await bench.order(Verb.OPEN_EMERGENCY)
    await bench.until(lambda look: look.state == "emergency", "in an emergency")
    await asyncio.sleep(bench.chance.uniform(0.1, 1.0))
    assert bench.lane is not None
    bench.lane.kill()
    killed_ms, since = time.monotonic() * 1000, (len(bench.first), len(bench.last))
    await bench.lane.wait()
    await asyncio.sleep(0.1)
    await bench.start_lane()
    heard_ms = [
        await first(one, "release_received", at) for one, at in zip((bench.first, bench.last), since, strict=True)
    ]
    await bench.order(Verb.PRESENT)
    await _end(bench)
    return max(heard_ms) - killed_ms


CAUSES: Final[dict[str, Callable[[Bench], Awaitable[float]]]] = {
    one.__name__: one for one in (release, emergency, fire, call, revocation, death)
}


# ── the conditions ───────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.asynccontextmanager
async def idle(_: Bench) -> AsyncIterator[None]:
    """Nothing else runs."""
    yield


@contextlib.asynccontextmanager
async def busy(_: Bench) -> AsyncIterator[None]:
    """Two processes that never wait, on each core one."""
    spins = [
        await asyncio.create_subprocess_exec(*ORDINARY, sys.executable, "-c", "while True: pass")
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for one in spins:
            one.kill()
            await one.wait()


@contextlib.asynccontextmanager
async def log_hung(bench: Bench) -> AsyncIterator[None]:
    """The log program is stopped: no record becomes durable."""
    bench.log.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        bench.log.send_signal(signal.SIGCONT)


CONDITIONS: Final = {one.__name__: one for one in (idle, busy, log_hung)}
# No crossing begins without a durable record, and a start waits for the log before it answers officers.
IMPOSSIBLE: Final = {("revocation", "log_hung"), ("death", "log_hung")}


async def _caused(cause: str, bench: Bench) -> float:
    """Cause it once; again where a machine under load looked at the lane too late, so that the traveller was referred."""
    for _ in range(ATTEMPTS_MAX):
        with contextlib.suppress(NotGrantedError):
            return await CAUSES[cause](bench)
    raise AssertionError(f"no grant in {ATTEMPTS_MAX} attempts")


async def measured(cause: str, condition: str, samples: int, *, before_lane: tuple[str, ...] = ()) -> list[float]:
    """Return so many response times, in milliseconds."""
    took_ms: list[float] = []
    if os.geteuid() == 0:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(os.sched_get_priority_max(os.SCHED_RR)))
    with tempfile.TemporaryDirectory(prefix="rsp-") as name:  # short: socket paths have 107 bytes
        folder = Path(name)
        (folder / "state").mkdir()
        bench = Bench(folder, folder / "state", before_lane=before_lane)
        async with bench.running():
            await bench.order(Verb.PRESENT)
            await bench.rest()
            await release(
                bench
            )  # not counted: a line that is not open yet takes no order, and the lane repeats it after 300 ms
            await bench.rest()
            async with CONDITIONS[condition](bench):
                for number in range(samples):
                    took_ms.append(await _caused(cause, bench))
                    if number % 20 == 19:
                        await bench.order(Verb.PRESENT)
                        note(f"{cause}, {condition}: {number + 1} of {samples}")
    return took_ms


def summary(took_ms: list[float]) -> dict[str, float]:
    """Return median, 99th percentile and the largest, in milliseconds."""
    ranked = sorted(took_ms)
    return {
        "samples": len(ranked),
        "p50_ms": round(ranked[len(ranked) // 2], 1),
        "p99_ms": round(ranked[min(len(ranked) - 1, len(ranked) * 99 // 100)], 1),
        "worst_ms": round(ranked[-1], 1),
    }


def main() -> int:
    """Print the table, or its rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cause", choices=CAUSES, action="append", help="only these; all when not given")
    parser.add_argument("--condition", choices=CONDITIONS, action="append", help="only these; all when not given")
    parser.add_argument("--samples", type=int, default=100, help="of each cause in each condition")
    parser.add_argument("--before-lane", default="", help="a command that starts the lane, such as 'chrt --fifo 10'")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    rows = []
    for cause in chosen.cause or CAUSES:
        for condition in chosen.condition or CONDITIONS:
            if (cause, condition) in IMPOSSIBLE:
                continue
            took_ms = asyncio.run(
                measured(cause, condition, chosen.samples, before_lane=tuple(chosen.before_lane.split()))
            )
            rows.append({"cause": cause, "condition": condition, **summary(took_ms)})
            if not chosen.json:
                say("  ".join(f"{value}" for value in rows[-1].values()))
    if chosen.json:
        emit_json("bench.responses/1", {"rows": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
