"""The barrier's line in numbers: grants that were made twice, how soon the leaf moves, and how soon a lost line is noticed and back.

Double grants are counted in virtual time. All else takes real time, on the simulated boards' pseudo-terminals, which keep the time of the
wire: ten bits a byte. No adapter is there, which has a latency of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
import time
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fakes.doubled_grants import BOARDS as COUNTED
from fakes.doubled_grants import ERROR_RATES, REQUESTS, doubled

from bench.rows import Bench, Row
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.modbus.profile import ModbusProfile, Pulse
from drivers.barrier.profiles import line_barrier, load_profile
from drivers.links import SerialLink
from gate.passage.events import Event, Part, PartBack, PartLost
from gate.programs.lane.parts import BarrierKeeper
from gate_core.errors import NoReplyError
from gate_core.ports.drivers import BarrierDriver
from gate_core.ports.values import Direction, LeafPosition
from hardware_sim.barrier.boards import device_of
from hardware_sim.barrier.device import Barrier
from hardware_sim.barrier.frames import TURNAROUND_MS
from hardware_sim.pty import BITS_PER_BYTE, LineFaults, SerialLine

GRANTS_A_ROUND = 50  # a thousand at the usual 20 rounds
OPENINGS_A_ROUND = 5
LOSSES_A_ROUND = 2
BAUDS = (9_600, 115_200)
LEAF_MS = 50.0  # from closed to open: how fast the leaf is says nothing here
TTL_MS = 10_000
PULSE_SPARE_S = 0.05
POLL_S = 0.1  # as barrier.poll_ms when left out
UNPLUGGED_S = 0.1
LOSS_LIMIT_S = 30
REPLUG_FLOOR_MS, CUT_FLOOR_MS = 2_000.0, 1_000.0
BOARDS = (
    "portcullis-sim",
    "relay-8",
    "ds205a",
    "italdis",
)  # the ways of granting: a register, a contact, two kinds of short frames


def doubled_grants(bench: Bench) -> list[Row]:
    """How many of a thousand calls granted twice by the board's own count, beside a client that sends again blindly."""
    rows = []
    for board, error_rate in itertools.product(COUNTED, ERROR_RATES):
        count = bench.rounds * GRANTS_A_ROUND
        found = doubled(board, error_rate, count=count)
        is_clear = found.doubled == found.naive == 0
        rows.append(
            Row(
                name=f"doubled_{board}_{error_rate:g}",
                ours=found.doubled,
                unit=f"of {count}",
                peer=found.naive,
                peer_name="naive client",
                floor=None if is_clear else 0.0,
            )
        )
    return rows


@dataclass(slots=True)
class _Line:
    """A simulated board on a paced line, and when its leaf began to open, in CLOCK_MONOTONIC milliseconds by the board's own time."""

    line: SerialLine
    baud: int
    profile: ModbusProfile | FramedProfile
    opened_at_ms: list[int]

    def open_link(self) -> Awaitable[SerialLink]:
        return SerialLink.open(str(self.line.path), self.baud)


@contextlib.contextmanager
def _line(board: str, baud: int, folder: Path) -> Iterator[_Line]:
    opened_at_ms: list[int] = []

    def report(event: str, *, at_ms: int, **fields: object) -> None:
        if event == "leaf_moved" and fields["to"] == "opening":
            opened_at_ms.append(at_ms)

    own = board == "portcullis-sim"
    device = Barrier(report) if own else device_of(board, report, number=1, baud=baud, seed=1)
    device.slow_leaf(LEAF_MS)
    profile = load_profile(board)
    assert isinstance(profile, ModbusProfile | FramedProfile)
    line = SerialLine(folder / f"{board}-{baud}", device, baud=baud)
    line.start()
    try:
        yield _Line(line, baud, profile, opened_at_ms)
    finally:
        line.stop()


def leaf_moving(bench: Bench) -> list[Row]:
    """From the driver's call to the leaf's first movement, and to the driver's return; beside each the wire's own share."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for board, baud in itertools.product(BOARDS, BAUDS):
            with _line(board, baud, Path(folder)) as made:
                moved_ms, returned_ms = asyncio.run(_openings(made, bench.rounds * OPENINGS_A_ROUND))
            request, answer = _wire_bytes(board, made.profile)
            turnaround_ms = TURNAROUND_MS if isinstance(made.profile, FramedProfile) else 0.0
            for name, took_ms, wire_bytes, waits_ms in (
                ("leaf", moved_ms, request, 0.0),
                ("confirmed", returned_ms, request + answer, turnaround_ms),
            ):
                wire_ms = wire_bytes * BITS_PER_BYTE * 1000 / baud + waits_ms
                for share in (50, 99):
                    row = Row(
                        name=f"{name}_{board}_{baud}_p{share}",
                        ours=float(np.percentile(took_ms, share)),
                        unit="ms",
                        peer=wire_ms,
                        peer_name="the wire",
                    )
                    rows.append(row)
    return rows


def _wire_bytes(board: str, profile: ModbusProfile | FramedProfile) -> tuple[int, int]:
    """Of the request that grants, and of its answer."""
    if isinstance(profile, FramedProfile):
        return profile.request_layout().length, profile.reply_layout().length
    request = REQUESTS[board][0]
    return len(request.wire), request.reply_bytes


async def _openings(made: _Line, count: int) -> tuple[list[float], list[float]]:
    """Grant and take back so many times; milliseconds until the leaf moved and until the driver said that the grant stands."""
    moved_ms, returned_ms = list[float](), list[float]()
    driver = line_barrier(made.profile, open_link=made.open_link, baud=made.baud, unit=1, entry_is_left=True)
    try:
        await driver.connect()
        while len(moved_ms) < count:
            await _ready(made, driver)
            opened, asked_ms = len(made.opened_at_ms), _now_ms()
            await driver.grant(Direction.ENTRY, TTL_MS)
            returned_ms.append(_now_ms() - asked_ms)
            while len(made.opened_at_ms) == opened:  # noqa: ASYNC110 - the line's own thread
                await asyncio.sleep(0.001)
            moved_ms.append(made.opened_at_ms[opened] - asked_ms)
            await driver.revoke()
    finally:
        driver.close()
    return moved_ms, returned_ms


def _now_ms() -> float:
    return time.monotonic() * 1000


async def _ready(made: _Line, driver: BarrierDriver) -> None:
    """Nothing is granted, the leaf is closed, no contact is held, and the driver knows it of this moment: as before a lane's grant."""
    if isinstance(made.profile, ModbusProfile) and isinstance(made.profile.grant, Pulse):
        await asyncio.sleep(PULSE_SPARE_S + made.profile.grant.pulse_ms / 1000)
    while True:
        with contextlib.suppress(NoReplyError):
            status = await driver.status()
            if status.position is LeafPosition.CLOSED and not status.grants_left_entry:
                return


def lost_and_back(bench: Bench) -> list[Row]:
    """The longest that the lane's keeper took to notice a cut wire, and to have the board again after a replug, at 9600 baud."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_losses(Path(folder), bench.rounds * LOSSES_A_ROUND))
    rows = []
    for board, (noticed_ms, back_ms) in found.items():
        for name, took_ms, floor_ms in (("cut", noticed_ms, CUT_FLOOR_MS), ("replug", back_ms, REPLUG_FLOOR_MS)):
            rows.append(Row(name=f"{name}_{board}_p50", ours=float(np.median(took_ms)), unit="ms"))
            rows.append(
                Row(
                    name=f"{name}_{board}_max",
                    ours=max(took_ms),
                    unit="ms",
                    peer=floor_ms,
                    peer_name="the floor",
                    floor=1.0,
                )
            )
    return rows


async def _losses(folder: Path, count: int) -> dict[str, tuple[list[float], list[float]]]:
    """All boards at once: most of the time is waiting."""
    with contextlib.ExitStack() as lines:
        made = {board: lines.enter_context(_line(board, BAUDS[0], folder)) for board in BOARDS}
        found = await asyncio.gather(*(_losses_of(line, count) for line in made.values()))
    return dict(zip(made, found, strict=True))


async def _losses_of(made: _Line, count: int) -> tuple[list[float], list[float]]:
    """Cut the wire, mend it, pull the plug and put it back, so many times: milliseconds until it was noticed, and until it was back."""
    told: asyncio.Queue[Event] = asyncio.Queue()
    driver = line_barrier(made.profile, open_link=made.open_link, baud=made.baud, unit=1, entry_is_left=True)
    keeping = asyncio.create_task(BarrierKeeper(driver, post=told.put_nowait, poll_s=POLL_S).run())
    noticed_ms, back_ms = list[float](), list[float]()
    try:
        await _told(told, PartBack(Part.BARRIER))
        for _ in range(count):
            made.line.faults = LineFaults(drop=1.0)
            noticed_ms.append(await _told(told, PartLost(Part.BARRIER)))
            made.line.faults = LineFaults()
            await _told(told, PartBack(Part.BARRIER))
            await asyncio.to_thread(made.line.unplug)
            await _told(told, PartLost(Part.BARRIER))
            await asyncio.sleep(UNPLUGGED_S)
            await asyncio.to_thread(made.line.replug)
            back_ms.append(await _told(told, PartBack(Part.BARRIER)))
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    return noticed_ms, back_ms


async def _told(events: asyncio.Queue[Event], awaited: Event) -> float:
    """Milliseconds until this was posted."""
    began_ms = _now_ms()
    async with asyncio.timeout(LOSS_LIMIT_S):
        while await events.get() != awaited:
            pass
    return _now_ms() - began_ms
