"""The example of a vendor's library behind a socket (docs/examples/pad-service), built by its own words and asked as a gate asks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.pad import driver
from drivers.pad.driver import Session
from drivers.pad.settings import PadSensor, load_profile
from gate_core.errors import DriverError
from gate_core.evidence.crossing import PadResult

EXAMPLE = Path(__file__).resolve().parents[2] / "docs/examples/pad-service"
PROFILE = EXAMPLE / "example-pad.toml"
CROSSING = "5c" * 16


@dataclass(frozen=True)
class Service:
    socket: Path
    scene: Path
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the command of its README."""
    folder = tmp_path_factory.mktemp("pad-service")
    printed = re.search(r"```sh\n(cc .*)\n```", (EXAMPLE / "README.md").read_text())
    assert printed is not None
    command = shlex.split(printed[1].replace("-o pad-service", f"-o {folder / 'pad-service'}"))
    subprocess.run(command, check=True, cwd=EXAMPLE)
    return folder / "pad-service"


@pytest.fixture
def service(program: Path, short_path: Path) -> Iterator[Service]:
    scene, path = short_path / "scene", short_path / "pad"
    scene.write_text("person")
    process = subprocess.Popen([program, path], env={**os.environ, "PAD_SCENE": str(scene)})
    try:
        until = time.monotonic() + 10
        while not listens(path) and time.monotonic() < until:
            time.sleep(0.01)
        yield Service(path, scene, process)
    finally:
        process.terminate()
        process.wait(5)


def listens(path: Path) -> bool:
    """True once it takes connections: its file is there a moment before."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


async def looked(service: Service, seconds: float = 0.6) -> PadResult | None:
    def now_ms() -> int:
        return int(time.monotonic() * 1000)

    session = Session(load_profile(str(PROFILE)), crossing=CROSSING)
    end = await driver.connect(PadSensor(socket=str(service.socket), profile=str(PROFILE)))
    talk = asyncio.ensure_future(driver.converse(end, session, clock_ms=now_ms))
    await asyncio.wait([talk], timeout=seconds)
    found = session.verdict(now_ms(), since_ms=0)
    talk.cancel()
    with contextlib.suppress(DriverError, asyncio.CancelledError):
        await talk
    return None if found is None else found.result


@pytest.mark.parametrize(
    ("stands", "result"),
    [("person", PadResult.LIVE), ("picture", PadResult.ATTACK), ("nobody", PadResult.UNDETERMINED)],
)
async def test_it_says_who_stands_there(service: Service, stands: str, result: PadResult) -> None:
    service.scene.write_text(stands)
    assert await looked(service) is result


async def test_a_library_that_fails_says_nothing_of_anybody(service: Service) -> None:
    service.scene.unlink()
    assert await looked(service) is PadResult.UNDETERMINED


async def test_it_says_who_it_is(service: Service) -> None:
    settings = PadSensor(socket=str(service.socket), profile=str(PROFILE))
    assert await driver.check(settings, load_profile(str(PROFILE))) == "Example PAD 1.4, bound 0.5"


@pytest.mark.parametrize(
    "line",
    [b"hello\n", b"{}\n", b'{"ask":"look"}\n', b'{"ask":"look","crossing":"abc"}\n', b"x" * 5000, b"\x00\n" * 300],
    ids=["words", "empty", "no crossing", "a short one", "endless", "zeros"],
)
async def test_what_no_gate_says_ends_the_conversation_and_nothing_else(service: Service, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(5)
        stranger.connect(str(service.socket))
        stranger.recv(512)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            stranger.sendall(line)
        with contextlib.suppress(ConnectionResetError):
            assert stranger.recv(512) == b""
    assert await looked(service) is PadResult.LIVE
    assert service.process.poll() is None


async def test_one_who_does_not_read_keeps_nobody_waiting(service: Service) -> None:
    """And nobody is looked at for one who asked nothing."""
    crowd = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    for number, one in enumerate(crowd):
        one.connect(str(service.socket))
        with contextlib.suppress(BrokenPipeError):  # eight are served, the others hung up on
            if number % 2:
                one.sendall(b'{"ask":"look","crossing":"%s"}\n' % CROSSING.encode())
    await asyncio.sleep(0.5)
    quiet = crowd[0]
    quiet.settimeout(0.3)
    said = quiet.recv(4096).splitlines()
    assert [json.loads(line)["say"] for line in said] == ["sensor"]
    for one in crowd:
        one.close()
    assert await looked(service) is PadResult.LIVE
