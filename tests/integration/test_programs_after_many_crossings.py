"""Log, screens, vision and the officers' console, each as the process that it is, after many crossings: they hold no more than after fewer.

Until two thousand crossings the pages of the log's database, and the ids by which it knows an append again, fill what they may. A busy day of one lane
has about as many travellers as are counted here. Vision's crossings are fewer, for each is a process of a second, and so are the console's: they are
referrals, which an officer looks at and decides.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
import tomllib
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
import tomli_w
from core_fakes import shifts
from fakes.audit_logs import ENDING, LEADING
from fakes.console_gates import Console, ConsoleGate, console_gate
from fakes.mjpeg_server import MjpegServer
from fakes.ports import free_port
from fakes.screens_peers import FakeLane, view
from fakes.small_gate import small_gate, started
from fakes.tiny_models import real_models
from officers_fakes.console_doubles import prove

from gate.channel.log_messages import Append, Appended, FromLog, NewRecord, Recorded
from gate.channel.message import Status, StatusRequest
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.channel.vision_messages import CameraStatus, EndCrossing, Erased, FromVision, StartCrossing
from gate.passage.names import RecordClass, RecordKind
from gate.programs.screens.kiosk_start import start_page
from gate.programs.shared import config as configuration
from gate.programs.shared.config import Config
from gate_core.audit_format import keys
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Guidance, Screen
from gate_verify.verify import verify

EARLY, LATE = 2_000, 5_000
VISION_EARLY, VISION_LATE = 50, 250
AT_ONCE = 8  # who wait for an officer
ROUNDS_EARLY, ROUNDS_LATE = 25, 150
ANSWER_S = 30.0
GROWN_MAX_MB = 3.0  # one kilobyte a crossing that is kept would be as much
Wanted = TypeVar("Wanted")
CROSSING = (("opened",), ("decided",), ("granted",), ("passed", "closed"))
DECIDED_BYTES = 6_000


def new(kind: str, crossing: str) -> NewRecord:
    return NewRecord(
        id=os.urandom(16),
        kind=RecordKind(kind),
        about=RecordClass.CROSSING,
        crossing=crossing,
        monotonic_ms=1,
        leads_to_admission=kind in LEADING,
        ends_crossing=kind in ENDING,
        bytes_min=8_192 if kind == "decided" else 0,
        body=b'{"seen":"%s"}' % (b"x" * DECIDED_BYTES) if kind == "decided" else b"{}",
    )


@dataclass(frozen=True)
class Held:
    """What a program holds: memory of its own, open files, and the files of its state."""

    memory_mb: float
    descriptors: int
    files: int


def held(pid: int, folder: Path) -> Held:
    state = [one for one in folder.rglob("*") if one.is_file()]
    (own,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("RssAnon:"))
    return Held(int(own.split()[1]) / 1024, len(list(Path(f"/proc/{pid}/fd").iterdir())), len(state))


async def held_at_rest(pid: int, folder: Path) -> Held:
    """The least that it holds within two seconds: what it is writing just now is open for moments."""
    looks = []
    for _ in range(20):
        looks.append(held(pid, folder))
        await asyncio.sleep(0.1)
    return min(looks, key=lambda look: look.descriptors)


def with_settings(folder: Path, **tables: dict[str, object]) -> Config:
    """The small gate with other tables."""
    small_gate(folder)
    path = folder / "gate.toml"
    table = tomllib.loads(path.read_text())
    for name, more in tables.items():
        table[name] = table.get(name, {}) | more
    path.write_text(tomli_w.dumps(table))
    return configuration.load(path)


async def pass_through(lane: Connection[FromLog], crossing: str) -> None:
    for kinds in CROSSING:
        await lane.send(Append([new(kind, crossing) for kind in kinds]))
        answer = await lane.receive()
        assert isinstance(answer, Appended)
        assert all(isinstance(one, Recorded) for one in answer.outcomes)


@pytest.mark.long
async def test_after_five_thousand_crossings_the_log_holds_no_more_than_after_two_thousand(short_path: Path) -> None:
    config = small_gate(short_path)
    found = []
    async with started(short_path, config, "log") as process:
        lane = await connect(CHANNELS.log, config.socket("log"))
        for number in range(1, LATE + 1):
            await pass_through(lane, f"c{number}")
            if number in {EARLY, LATE}:
                found.append(await held_at_rest(process.pid, Path(config.paths.state)))
        lane.close()
        process.terminate()
        await process.wait()
    early, late = found
    assert late.memory_mb - early.memory_mb < GROWN_MAX_MB
    assert (late.descriptors, late.files) == (early.descriptors, early.files)
    report = verify(
        Path(config.paths.spool), keys.load(Path(config.paths.keys) / "log.key", config.origin).verifier.vkey
    )
    assert report.verified
    assert report.entries >= LATE * sum(map(len, CROSSING))


async def states(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, Any]]:
    async for line in lines:
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


@pytest.mark.long
async def test_after_five_thousand_crossings_the_screens_hold_no_more_than_after_two_thousand(short_path: Path) -> None:
    config = with_settings(short_path, screens={"port": free_port()})
    found = []
    async with (
        FakeLane(config.socket("lane"), first=view(Screen.WELCOME)).run() as lane,
        started(short_path, config, "screens") as process,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{config.screens.port}", timeout=None) as browser,
    ):
        secret = start_page(config.runtime("screens")).with_name("secret").read_text()
        cookie = {"Cookie": f"kiosk-{config.screens.port}={secret}"}
        async with browser.stream("GET", "/events", headers=cookie) as answer:
            page = states(answer.aiter_lines())
            for number in range(1, LATE + 1):
                for shown in (view(Screen.LOOK, Guidance.LOOK_AT_CAMERA, crossing=f"c{number}"), view(Screen.WELCOME)):
                    await lane.show(shown)
                    while (await anext(page))["screen"] != shown.screen.value:
                        pass
                if number in {EARLY, LATE}:
                    found.append(held(process.pid, Path(config.paths.state)))
        process.terminate()
        await process.wait()
    early, late = found
    assert late.memory_mb - early.memory_mb < GROWN_MAX_MB
    assert (late.descriptors, late.files) == (early.descriptors, early.files)


@pytest.mark.long
@pytest.mark.faces
async def test_vision_holds_no_more_after_its_last_crossings_than_after_its_first(short_path: Path) -> None:
    with MjpegServer() as camera:
        config = with_settings(short_path, camera={"address": camera.address}, paths={"models": str(real_models())})
        found = []
        async with started(short_path, config, "vision") as process:
            lane = await connect(CHANNELS.vision, config.socket("vision"))
            for number in range(1, VISION_LATE + 1):
                await lane.send(StartCrossing(f"c{number}"))
                assert (await heard(lane, CameraStatus)).lost is None
                await lane.send(EndCrossing(f"c{number}"))
                await heard(lane, Erased)
                if number in {VISION_EARLY, VISION_LATE}:
                    await until_spare(lane)
                    found.append(held(process.pid, Path(config.paths.state)))
            lane.close()
            process.terminate()
            await process.wait()
    early, late = found
    assert late.memory_mb - early.memory_mb < GROWN_MAX_MB
    assert (late.descriptors, late.files) == (early.descriptors, early.files)


@contextlib.asynccontextmanager
async def console_of(
    folder: Path, gate: ConsoleGate, keys_of: Console
) -> AsyncIterator[tuple[int, httpx2.AsyncClient]]:
    """The console that watches this gate, as a process, and an officer's browser that has signed in."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    table = {
        "identity": str(keys_of.identity),
        "folder": str(folder / "console"),
        "authority": {"public": b64encode(shifts.PUBLIC).decode()},
        "pages": {"address": f"127.0.0.1:{port}", "origin": origin},
        "gates": {"north-7": {"address": gate.entry.address, "key": gate.entry.key}},
    }
    (folder / "console.toml").write_text(tomli_w.dumps(table))
    command = ("-m", "gate.cli", "console", "serve", "--config", str(folder / "console.toml"))
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(ANSWER_S):
            await process.stderr.readuntil(f"officers open {origin}/\n".encode())
        async with httpx2.AsyncClient(base_url=origin, headers={"Origin": origin}, trust_env=False) as browser:
            challenge = (await browser.get("/session/challenge")).json()["challenge"]
            now_s = int(time.time())
            shown = prove(challenge, origin, not_before=now_s - 60, until=now_s + 7200)
            assert (await browser.post("/session", json=shown)).status_code == 200
            yield process.pid, browser
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.long
async def test_after_twelve_hundred_referrals_the_console_holds_no_more_than_after_two_hundred(
    short_path: Path,
) -> None:
    found = []
    keys_of = Console(short_path)
    async with (
        console_gate(short_path, keys_of.certificate) as gate,
        console_of(short_path, gate, keys_of) as (pid, browser),
        browser.stream("GET", "/events", timeout=None) as answer,
    ):
        page = states(answer.aiter_lines())
        for number in range(1, ROUNDS_LATE + 1):
            crossings = [f"c{number}-{one}" for one in range(AT_ONCE)]
            for crossing in crossings:
                gate.desk.refer(crossing, Reason.DOCUMENT_CHECK_FAILED)
            await gate.lane.show(view(Screen.OFFICER, referred=crossings[-1]))
            await until_waiting(page, crossings)
            for crossing in crossings:
                await until_told(browser, crossing)
            order = (await browser.post("/gates/north-7/orders", content=b"signed")).json()
            assert order["outcome"] == "done"
            gate.desk.shows |= {"state": "idle", "referred": []}
            await gate.lane.show(view(Screen.WELCOME))
            await until_waiting(page, [])
            if number in {ROUNDS_EARLY, ROUNDS_LATE}:
                found.append(await held_at_rest(pid, short_path / "console"))
    early, late = found
    assert late.memory_mb - early.memory_mb < GROWN_MAX_MB
    assert late.descriptors <= early.descriptors  # the earlier one may still close a request's
    assert late.files == early.files


async def until_told(browser: httpx2.AsyncClient, crossing: str) -> None:
    """The officer's page of this traveller says why: a gate that a slow machine kept silent for two seconds is lost until its next word."""
    async with asyncio.timeout(ANSWER_S):
        while "A check of the document failed" not in (await browser.get(f"/gates/north-7/crossings/{crossing}")).text:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


async def until_waiting(page: AsyncIterator[dict[str, Any]], crossings: list[str]) -> None:
    """The page shows that these wait, and nobody else."""
    async with asyncio.timeout(ANSWER_S):
        async for state in page:
            (tile,) = state["tiles"]
            if tile["need"] != "lost" and [one["crossing"] for one in tile["waits"]] == crossings:
                return


async def heard(lane: Connection[FromVision], kind: type[Wanted]) -> Wanted:
    """The next message of that kind."""
    async with asyncio.timeout(ANSWER_S):
        while True:
            message = await lane.receive()
            if isinstance(message, kind):
                return message


async def until_spare(lane: Connection[FromVision]) -> None:
    """The next crossing's child waits already, as it did at the measurement before."""
    async with asyncio.timeout(ANSWER_S):
        while True:
            await lane.send(StatusRequest())
            if (await heard(lane, Status)).detail["spare"] == "warm":
                return
            await asyncio.sleep(0.05)
