"""The lane program as its own process, killed again and again before a simulated board on a paced line, with a log program that lives on.

Real are the lane, its document child, the log, the officer's signed orders and every channel. Here are the board with its gate, the document
reader, a chip that says no, vision as far as a lane in service needs it, and an officer who overrules what comes of that. So every
life of the lane has an admission, be it of a crossing that an earlier life left.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.direct_slot import DirectSlot

from gate.channel import order_messages, screen_messages, vision_messages
from gate.channel.errors import ChannelError
from gate.channel.message import Status, StatusRequest
from gate.channel.sockets import Connection, connect, serve
from gate.channel.table import CHANNELS
from gate.programs.shared.runner import status_of
from gate.programs.shared.terminal import Terminal
from gate_core.command_line.key_files import read_shift
from gate_core.evidence.screen import Guidance, Screen
from gate_core.orders.verbs import Verb
from gate_demo import stage as staging
from gate_demo.stage import Stage
from gate_demo.world import Chip, Ready
from hardware_sim.barrier.device import Barrier
from hardware_sim.passport.issuer import Issuer
from hardware_sim.pty import SerialLine
from hardware_sim.readers.kinds import KINDS
from hardware_sim.truth import Truth

BAUD = 115_200
LINES = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
DEADLINE_S = 60.0
POLL_S = 0.02
PRESENCE_S = 1.0
STARTED, GRANTED = "starting", "granted"
OF_A_NEWCOMER = ("Opening", "Inspecting", "Recording", "Referred", "Idle")
STATES = (*OF_A_NEWCOMER, "Overruling", "Looking", "Passing")
WALKS_SHARE = 0.6  # of those who were granted it
SETS_OUT_S_MAX = 0.6
WALKED_S = 2.0  # whoever is not through by then turns back


@dataclass(frozen=True, slots=True)
class Kill:
    """When the lane is killed: so long after its program began, after the board heard a grant of this life, or after a state of the lane began."""

    after_s: float
    after: str  # STARTED, GRANTED, or the state


@dataclass(frozen=True, slots=True)
class Killed:
    """One death: at this millisecond of CLOCK_MONOTONIC, with the lane in this state by its own word."""

    at_ms: float
    state: str


@dataclass
class Life:
    """One life of the lane program. `granted` is set when the board hears a grant, `reached` when the lane is in the `awaited` state."""

    process: asyncio.subprocess.Process
    awaited: str
    state: str = STARTED
    granted: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def hear(self) -> None:
        """Follow the program's own log lines to its end."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if told["event"] == "lane_state":
                    self.state = str(told["state"])
                elif told["event"] == "ready" and self.state == STARTED:
                    self.state = "Idle"
                if self.state == self.awaited:
                    self.reached.set()


class Board(Barrier):
    """The board, and when it heard its host last before each moment: milliseconds of CLOCK_MONOTONIC."""

    def __init__(self, report: Callable[..., None]) -> None:
        self.heard_ms: list[float] = []
        super().__init__(report)

    def receive(self, received: bytes, now_ms: float) -> bytes:
        """Bytes from the host; returns the reply."""
        self.heard_ms.append(now_ms)
        return super().receive(received, now_ms)


class KilledLane:
    """One lane and what is about it. Made by `killed_lane`."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self.truth = folder / "truth.jsonl"
        self.kills: list[Killed] = []
        self._told = Truth(self.truth)
        self._loop = asyncio.get_running_loop()
        self._life: Life | None = None
        self._chance = random.Random(seed)
        self._walkers = 0
        self.board = Board(self._happened)
        self._reader = KINDS["elyctis"].make(seed)
        self._lines = [
            SerialLine(folder / "barrier", self.board, baud=BAUD, seed=seed),
            SerialLine(folder / "swipe", self._reader, baud=KINDS["elyctis"].baud, seed=seed),
        ]
        self._chip = DirectSlot(folder / "chip")
        self._chip.card, self._chip.answer = True, b"\x6a\x82"
        self.stage = self._prepared(folder)
        self._shift, _ = read_shift(self.stage.shift)

    def _prepared(self, folder: Path) -> Stage:
        csca = []
        for name, content in Issuer(1).csca_files().items():
            (folder / name).write_bytes(content)
            csca.append(str(folder / name))
        reader = {"kind": "elyctis", **KINDS["elyctis"].settings()}
        ready = Ready(
            barrier=str(folder / "barrier"),
            camera="http://127.0.0.1:9/",
            chip=Chip("direct", str(folder / "chip"), ""),
            csca=csca,
            reader=reader,
            truth="",
            swipe=str(folder / "swipe"),
        )
        (folder / "state").mkdir()
        return staging.prepare(
            folder, ready, state=folder / "state", models=folder, face_profile="standard", enrol=lambda _: None
        )

    def _happened(self, event: str, *, at_ms: int, **fields: Any) -> None:
        self._told.record(event, world_ms=at_ms, **fields)
        if event == "grant_received":
            self._loop.call_soon_threadsafe(self._granted)

    def _granted(self) -> None:
        """The traveller who was granted it walks, whatever becomes of the lane; some do not."""
        if self._chance.random() < WALKS_SHARE:
            self._loop.call_later(self._chance.uniform(0.0, SETS_OUT_S_MAX), self._walk)
        if self._life is not None:
            self._life.granted.set()

    def _walk(self) -> None:
        self._walkers += 1
        name = f"traveller-{self._walkers}"
        self.board.walk_in(name)
        self._loop.call_later(WALKED_S, self.board.turn_back, name)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything but the lane."""
        config = self.stage.config
        for line in self._lines:
            line.start()
        await self._chip.start()
        log = await self._program("log")
        try:
            async with serve(CHANNELS.vision, config.socket("vision"), vision):
                while await status_of(config, "log", pid=log.pid) is None:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(POLL_S)
                yield
        finally:
            log.terminate()
            await log.wait()
            await self._chip.stop()
            for line in self._lines:
                line.stop()
            self._told.close()

    async def _program(self, name: str, *, stderr: int = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "gate.cli", "run", name, "--config", str(self.stage.config_path))
        return await asyncio.create_subprocess_exec(*command, stderr=stderr)

    # ── one life ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def live(self, kill: Kill | None) -> None:
        """Start the lane, have an officer admit whoever waits or comes, and kill it; without a kill, end it when nobody waits any more."""
        process = await self._program("lane", stderr=asyncio.subprocess.PIPE)
        life = self._life = Life(process, "" if kill is None else kill.after)
        hearing, serving = asyncio.create_task(life.hear()), asyncio.create_task(self._serve(life, settle=kill is None))
        try:
            async with asyncio.timeout(DEADLINE_S):
                if kill is None:
                    await serving
                    process.terminate()
                else:
                    if kill.after != STARTED:
                        await (life.granted if kill.after == GRANTED else life.reached).wait()
                    await asyncio.sleep(kill.after_s)
                    self.kills.append(Killed(time.monotonic() * 1000, life.state))
                    os.kill(process.pid, signal.SIGKILL)
                await process.wait()
                await hearing
        finally:
            self._life = None
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            if process.returncode is None:
                process.kill()

    async def _serve(self, life: Life, *, settle: bool) -> None:
        """Be officer and travellers for one life. `settle`: nobody new comes, and this ends when the lane is at rest."""
        config = self.stage.config
        while True:
            try:
                with (
                    contextlib.closing(await connect(CHANNELS.lane, config.socket("lane"))) as watch,
                    contextlib.closing(await Terminal.reach(config.socket("orders"))) as terminal,
                ):
                    return await self._officer(life, watch, terminal, settle=settle)
            except ChannelError:
                await asyncio.sleep(POLL_S)

    async def _officer(
        self, life: Life, watch: Connection[order_messages.FromLane], terminal: Terminal, *, settle: bool
    ) -> None:
        views: list[screen_messages.View] = []
        watching = asyncio.create_task(_see(watch, views))
        said_s, laid_s, granted = 0.0, 0.0, False
        try:
            while not watching.done():
                await asyncio.sleep(POLL_S)
                now_s = self._loop.time()
                view = views[-1] if views else None
                if now_s - said_s > PRESENCE_S:
                    said_s = now_s
                    await self._order(terminal, Verb.PRESENT)
                    if (await terminal.look()).alarms:
                        await self._order(terminal, Verb.ACKNOWLEDGE)
                if view is None:
                    continue
                granted = granted or life.granted.is_set()
                if view.referred is not None and (settle or granted or life.awaited in OF_A_NEWCOMER):
                    await self._order(terminal, Verb.HAND_OVER, view.referred, "taken_over")
                elif view.referred is not None and self.board.empty:
                    await self._order(terminal, Verb.ADMIT, view.referred)
                elif view.screen is Screen.WELCOME and settle:
                    return
                elif view.screen is Screen.WELCOME and now_s - laid_s > PRESENCE_S:
                    laid_s, granted = now_s, False
                    life.granted.clear()
                    self._reader.remove()
                    self._reader.insert(LINES)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _order(
        self, terminal: Terminal, verb: Verb, crossing: str | None = None, argument: str | None = None
    ) -> None:
        await terminal.order(self._shift, verb, crossing=crossing, argument=argument, reason="a trial of deaths")


async def vision(connection: Connection[Any]) -> None:
    """Be vision, as far as a lane in service needs it: a camera with one face, which is never compared."""
    async for message in connection:
        match message:
            case StatusRequest():
                await connection.send(Status("vision", "ready", {}))
                await connection.send(vision_messages.CameraStatus(None))
            case vision_messages.StartCrossing(crossing):
                await connection.send(vision_messages.CameraStatus(crossing))
                await connection.send(vision_messages.FaceSeen(crossing, 1, Guidance.NONE))
            case vision_messages.EndCrossing(crossing):
                await connection.send(vision_messages.Erased(crossing))
            case _:
                pass


async def _see(watch: Connection[order_messages.FromLane], views: list[screen_messages.View]) -> None:
    await watch.send(screen_messages.WatchView())
    with contextlib.suppress(ChannelError):
        while True:
            told = await watch.receive()
            if isinstance(told, screen_messages.View):
                views.append(told)


def drawn(count: int, *, seed: int) -> list[Kill]:
    """So many kills in some order: two thirds between an order and what comes of it, the others at a program's start and in every other state."""
    chance = random.Random(seed)
    kills = [Kill(chance.uniform(0.0, 1.3), GRANTED) for _ in range(count * 2 // 3)]
    for number in range(count - len(kills)):
        state = STATES[number // 2 % len(STATES)]
        kills.append(Kill(chance.uniform(0.0, 0.01), state) if number % 3 else Kill(chance.uniform(0.0, 1.2), STARTED))
    chance.shuffle(kills)
    return kills
