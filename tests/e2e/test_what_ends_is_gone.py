"""Five seconds after a crossing, what was its traveller's is searched for in the memory of every program and child, and in every file.

A table: value x process x place. Each value is planted in each place first, and must be found there; then the crossing's own must be
gone; then it is planted once more, which must turn the verdict. Needs root, to read other processes' memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import shutil
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fakes import remains
from fakes.tiny_models import real_models
from fakes.whole_gate import PROGRAMS, Gate, running

from gate.channel import preview_messages
from gate.channel.errors import ChannelError
from gate.channel.sockets import connect
from gate.channel.table import CHANNELS
from gate.face.chain import open_models, portrait_template
from gate_core.evidence.screen import Screen
from hardware_sim.company import Company
from hardware_sim.faces import identities
from hardware_sim.passport.issuer import Issuer
from hardware_sim.scenario import read_scenarios, scenario_folder

pytestmark = [pytest.mark.e2e, pytest.mark.long]

SEED = 1  # of the world that `running` starts
GONE_AFTER_S = 5.0
START_DEADLINE_S = 30.0
TRIES = 3
SIMULATORS = ("world", "world.log")  # the simulated world's own, in the same folder
RUN_BYTES = 48
PREVIEWS = 12  # about a second of them
CHROMIUM = Path("/usr/bin/chromium")
HAS_CHROMIUM = CHROMIUM.exists()

# Which program's child holds what while the crossing lasts.
THERE = (
    ("lane", "gate.programs.lane.document.child", ("second line", "chip portrait")),
    ("vision", "gate.programs.vision.face_child", ("its template",)),
)
PLACES = {*PROGRAMS, "sync", "pcscd", *(module for _, module, _ in THERE)}


class Travellers:
    """The same people as in the world: everything about them is drawn from its seed."""

    def __init__(self) -> None:
        issuer = Issuer(SEED)
        self._company = Company(identities(), issuer, SEED)
        self._issue = issuer.issue
        self._portrait = b""
        issuer.issue = self._noted  # type: ignore[method-assign]
        self._genuine = read_scenarios(scenario_folder())["genuine"]

    def _noted(self, *arguments: Any, **orders: Any) -> Any:
        self._portrait = orders["portrait_jpeg"]
        return self._issue(*arguments, **orders)

    def next(self) -> dict[str, bytes]:
        """What is searched for of the next traveller t001."""
        passport: Any = self._company.cast("t001", self._genuine).passport
        lines = passport.mrz_lines
        jpeg = self._portrait
        pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        height, width = pixels.shape[:2]
        template = portrait_template(_models(), jpeg).vector
        return {
            "chip portrait": jpeg[len(jpeg) // 2 :][:RUN_BYTES],
            "its pixels": pixels[height // 2, width // 3 :][: RUN_BYTES // 3].tobytes(),
            "its template": template[: RUN_BYTES // 4].tobytes(),
            "first line": lines[0].encode(),
            "second line": lines[1].encode(),
            "number": lines[1][:9].encode(),
        }


@functools.cache
def _models() -> Any:
    return open_models(real_models())


class LastPreviews:
    """A second screen: keeps a run of the newest previews' bytes, in this process. Another screen's newest is one of them."""

    def __init__(self) -> None:
        self.seen: deque[bytes] = deque(maxlen=PREVIEWS)

    @property
    def values(self) -> dict[str, bytes]:
        """What is searched for."""
        return {f"preview {number}": run for number, run in enumerate(self.seen, start=1)}

    async def watch(self, gate: Gate) -> None:
        while True:
            with contextlib.suppress(ChannelError):
                connection = await connect(CHANNELS.preview, gate.stage.config.socket("preview"))
                try:
                    await connection.send(preview_messages.WantPreview(on=True))
                    async for message in connection:
                        if isinstance(message, preview_messages.Preview):
                            self.seen.append(message.jpeg[len(message.jpeg) // 2 :][:RUN_BYTES])
                finally:
                    connection.close()
            await asyncio.sleep(0.2)


def processes_of(gate: Gate) -> dict[int, str]:
    """Every process to search, and what it is: programs by name, children by what they do, and the card service."""
    found = {}
    for name, program in gate.family.children.items():
        assert program.pid is not None
        ours, *children = remains.family_of(program.pid)
        found[ours] = name
        for child in children:
            found[child] = remains.command_of(child)
    world = remains.family_of(gate.world._process.pid)
    found |= {pid: "pcscd" for pid in world if remains.command_of(pid).endswith("pcscd")}
    return found


def left_of(gate: Gate, values: remains.Values, profile: Path | None) -> set[tuple[str, str]]:
    """What is found, and where."""
    found = set()
    for pid, name in processes_of(gate).items():
        found |= {(value.rstrip(" 0123456789"), name) for value in remains.in_memory(pid, values)}
    for place, folder in (("files", gate.stage.folder), ("browser profile", profile)):
        if folder is not None:
            found |= {
                (value.rstrip(" 0123456789"), place) for value in remains.in_files(folder, values, but=SIMULATORS)
            }
    return found


@contextlib.contextmanager
def planted(gate: Gate, values: remains.Values, profile: Path | None) -> Iterator[set[tuple[str, str]]]:
    """Every value in every place; gives what must be found."""
    everything = b"".join(b"\0" * 8 + value for value in values.values())
    with contextlib.ExitStack() as plants:
        places = set()
        for pid, name in processes_of(gate).items():
            plants.enter_context(remains.planted_in_memory(pid, everything))
            places.add(name)
        for place, folder in (("files", gate.stage.folder), ("browser profile", profile)):
            if folder is not None:
                plants.enter_context(remains.planted_in_files(folder, everything))
                places.add(place)
        yield {(value.rstrip(" 0123456789"), place) for value in values for place in places}


@contextlib.asynccontextmanager
async def page_open(gate: Gate, profile: Path) -> AsyncIterator[Path | None]:
    """The traveller's page in a browser of its own, where there is one."""
    if not HAS_CHROMIUM:
        yield None
        return
    from playwright.async_api import async_playwright

    from gate.programs.screens.kiosk_start import start_page

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch_persistent_context(
            str(profile), executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        place = start_page(gate.stage.config.runtime("screens"))
        async with asyncio.timeout(START_DEADLINE_S):
            while not _is_there(place):  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.1)
        page = await browser.new_page()
        await page.goto(place.as_uri())
        try:
            yield profile
        finally:
            await browser.close()


def _is_there(path: Path) -> bool:
    return path.exists()


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="gate-"))
    yield made
    for left in (made, made.with_name(f"{made.name}-profile")):
        shutil.rmtree(left, ignore_errors=True)


async def one_passes(gate: Gate, travellers: Travellers, previews: LastPreviews) -> tuple[dict[str, bytes], set[str]]:
    """Have a genuine traveller pass; gives what is theirs, and what was found in children while they were there."""
    for _ in range(TRIES):
        values = travellers.next()
        seen: set[str] = set()
        looking = asyncio.ensure_future(_look_at_children(gate, values, seen))
        passed = await gate.passages()
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        if passed:
            return {**values, **previews.values}, seen
    raise AssertionError("nobody passed")


async def _look_at_children(gate: Gate, values: remains.Values, seen: set[str]) -> None:
    """Note where the traveller's own are while they are there; without end. What was seen is not looked for again."""
    while True:
        for program, module, names in THERE:
            pid = gate.family.children[program].pid
            wanted = {name: values[name] for name in names if f"{name} in {module}" not in seen}
            for child in remains.family_of(pid)[1:] if pid is not None else []:
                if wanted and remains.command_of(child) == module:
                    found = await asyncio.to_thread(remains.in_memory, child, wanted)
                    seen |= {f"{value} in {module}" for value in found}
        await asyncio.sleep(0.02)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads other processes' memory")
@pytest.mark.parametrize("reader", ["elyctis", "page"])
async def test_five_seconds_after_a_crossing_its_traveller_is_gone(folder: Path, reader: str) -> None:
    (folder / "downloads").mkdir()
    tables = {"lists": {"folder": str(folder / "downloads"), "test": True}}
    travellers, previews = Travellers(), LastPreviews()
    async with (
        running(folder, programs=(*PROGRAMS, "sync"), tables=tables, reader=reader) as gate,
        page_open(gate, folder.with_name(f"{folder.name}-profile")) as profile,
    ):
        await gate.until(Screen.WELCOME)
        assert set(processes_of(gate).values()) >= PLACES, "nobody is passed over"
        watching = asyncio.ensure_future(previews.watch(gate))
        before = {**travellers.next(), "preview 1": b"\xff\xda" + os.urandom(RUN_BYTES)}
        travellers = Travellers()
        with planted(gate, before, profile) as wanted:
            assert await asyncio.to_thread(left_of, gate, before, profile) == wanted, "the search finds what there is"
        assert await asyncio.to_thread(left_of, gate, before, profile) == set()

        values, seen = await one_passes(gate, travellers, previews)
        there = {f"{name} in {module}" for _, module, names in THERE for name in names}
        assert seen == there, "the search finds what there is while it is there"
        assert len(previews.seen) == PREVIEWS
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await asyncio.sleep(GONE_AFTER_S)

        left = await asyncio.to_thread(left_of, gate, values, profile)
        assert left == set()

        with planted(gate, values, profile) as wanted:
            assert await asyncio.to_thread(left_of, gate, values, profile) == wanted, (
                "what comes after the end is noticed"
            )
