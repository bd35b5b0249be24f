"""A dry crossing: a separate instance of this version's log, vision and lane, one document without a chip.

Verifies its log. Only reads the gate's models and lists. `mode` is shadow: no barrier driver is created.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import struct
import subprocess
import sys
import tempfile
import tty
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import tomli_w

from gate.channel.message import Status
from gate.channel.row import status_row, user_of
from gate.programs.shared.config import Config
from gate.programs.shared.status import hear_at
from gate_core.audit_format import keys
from gate_core.errors import NotWellError
from gate_core.settings.environment import environment_with

PROGRAMS: Final = ("log", "vision", "lane")
READY_S: Final = 90.0  # systemd's start limit for a program
CROSSING_S: Final = 60.0
COMMAND_S: Final = 60.0
ENDING_S: Final = 10.0
CROSSING_LIMIT_S: Final = 5
ENTRIES_MIN: Final = 4  # lane started; crossing opened, decided, ended
_POLL_S: Final = 0.2
_AGAIN_S: Final = 3.0
# The expired specimen of ICAO 9303-4, as a reader in text mode sends it.
_SPECIMEN: Final = (
    b"START\r\nOCR LINE 1: P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\r\n"
    b"OCR LINE 2: L898902C36UTO7408122F1204159ZE184226B<<<<<10\r\nEND\r\n"
)


async def cross(config: Config, *, ready_s: float = READY_S, ending_s: float = ENDING_S) -> str:
    """Run one crossing and return its states and number of records. Raises NotWellError, OSError."""
    try:
        with tempfile.TemporaryDirectory(prefix="dry-") as made:
            folder = Path(made)
            vkey, file = _prepare(folder, config)
            async with _no_chip(folder / "chip"), contextlib.AsyncExitStack() as ending:
                line = ending.enter_context(_line(folder / "swipe"))
                children = [ending.enter_context(_running(name, file, folder)) for name in PROGRAMS]
                await _until_ready(folder, children, ready_s)
                screens = await _lay_document(folder, line)
                for child in children[::-1]:
                    child.terminate()
                    await asyncio.to_thread(child.wait, ending_s)
            entries = await asyncio.to_thread(_verified_entries, folder / "spool", vkey)
    except subprocess.TimeoutExpired as error:
        words = " ".join(error.cmd[4:6])  # the arguments after `gate`
        raise NotWellError(f"{words} did not end within {error.timeout:.0f} s") from error
    return f"referred ({screens}), {entries} records verified"


def _prepare(folder: Path, config: Config) -> tuple[str, Path]:
    """Create the instance's folders, key and configuration; return the log's public key and the configuration."""
    for name in ("run", "state", "spool", "inbox", "keys", "camera"):
        (folder / name).mkdir()
    (folder / "camera" / "empty.png").write_bytes(_picture(640, 480))
    paths = {name: str(folder / name) for name in ("run", "state", "spool", "inbox", "keys")}
    origin = f"{config.operator}/{config.gate_id}/demo"
    vkey = keys.generate(folder / "keys" / "log.key", origin).vkey
    table = {
        "purpose": "demo",
        "mode": "shadow",
        "gate_id": config.gate_id,
        "operator": config.operator,
        "paths": {**paths, "models": config.paths.models, "trust": config.paths.trust},
        "swipe": {"driver": "text", "port": str(folder / "swipe")},
        "chip": {"driver": "direct", "socket": str(folder / "chip")},
        "camera": {"driver": "files", "address": str(folder / "camera")},
        "face": {"profile": config.face.profile},
        "rules": {"crossing_limit_s": CROSSING_LIMIT_S},
        "audit": {"recipients": list(config.audit.recipients)},
    }
    (folder / "gate.toml").write_bytes(tomli_w.dumps(table).encode())
    return vkey, folder / "gate.toml"


def _picture(width: int, height: int) -> bytes:
    """Return a grey PNG, the picture of an empty lane."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = (b"\x00" + b"\x60" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@contextlib.asynccontextmanager
async def _no_chip(socket: Path) -> AsyncIterator[None]:
    """Serve a chip reader without a document (`drivers.reader.direct`)."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled with the loop: Python 3.11 would print a traceback without an error.
        ends = (OSError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.suppress(*ends), contextlib.closing(writer):
            while True:
                (length,) = struct.unpack(">I", await reader.readexactly(4))
                question = await reader.readexactly(length)
                said = b"\x00" if question == b"\x00" else b""
                writer.write(struct.pack(">I", len(said)) + said)
                await writer.drain()

    server = await asyncio.start_unix_server(answer, socket)
    try:
        yield
    finally:
        server.close()


@contextlib.contextmanager
def _line(name: Path) -> Iterator[int]:
    """Create a pseudo-terminal under this name as the document reader's serial line; yield the reader's end."""
    ours, theirs = pty.openpty()
    try:
        tty.setraw(theirs)
        name.symlink_to(os.ttyname(theirs))
        yield ours
    finally:
        os.close(ours)
        os.close(theirs)


@contextlib.contextmanager
def _running(program: str, file: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = (sys.executable, "-P", "-m", "gate.cli", "run", program, "--config", str(file))
    environment = environment_with({}, without=("NOTIFY_SOCKET", "PORTCULLIS_CONFIG"))
    with (folder / f"{program}.log").open("wb") as said:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment)  # noqa: S603 - ours
    try:
        yield child
    finally:
        child.kill()
        child.wait()


async def _status(folder: Path, program: str) -> Status | None:
    answer = await hear_at(program, folder / "run" / user_of(program) / status_row(program).file)
    return answer if isinstance(answer, Status) else None


async def _until_ready(folder: Path, children: list[subprocess.Popen[bytes]], ready_s: float) -> None:
    """Wait until every program is ready and the lane has all its devices. Raises NotWellError.

    A running program that is not ready retries on its own: only its exit is final.
    """
    why, whose = "nothing was said", "lane"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ready_s):
            while True:
                for name, child in zip(PROGRAMS, children, strict=True):
                    if child.poll() is not None:
                        raise NotWellError(f"{name} ended with {child.returncode}: {_last_words(folder, name)}")
                told = {name: await _status(folder, name) for name in PROGRAMS}
                lane = told["lane"]
                missing = [name for name, one in told.items() if one is None or one.state != "ready"]
                whose = missing[0] if missing else "lane"
                lost = lane and lane.detail["lost"]
                why = f"not ready: {', '.join(missing)}" if missing else f"the lane misses {lost}"
                if not missing and not lost:
                    return
                await asyncio.sleep(_POLL_S)
    raise NotWellError(f"not within {ready_s:.0f} s: {why}; {_last_words(folder, whose)}")


async def _lay_document(folder: Path, line: int) -> str:
    """Send the specimen until the lane reads it, then wait for the referral; return the states. Raises NotWellError."""
    seen: list[str] = []
    loop = asyncio.get_running_loop()
    laid_s = float("-inf")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CROSSING_S):
            while True:
                lane = await _status(folder, "lane")
                state = "away" if lane is None else str(lane.detail["state"])
                if seen[-1:] != [state]:
                    seen.append(state)
                if state == "referred":
                    return " → ".join(seen)
                if state == "idle" and loop.time() - laid_s > _AGAIN_S:
                    os.write(line, _SPECIMEN)
                    laid_s = loop.time()
                await asyncio.sleep(_POLL_S)
    raise NotWellError(f"not referred within {CROSSING_S:.0f} s: {' → '.join(seen)}; {_last_words(folder, 'lane')}")


def _verified_entries(spool: Path, vkey: str) -> int:
    """Verify the log and return its number of records. Raises NotWellError."""
    command = (sys.executable, "-P", "-m", "gate.cli", "audit", "verify", str(spool), "--vkey", vkey, "--json")
    done = subprocess.run(command, capture_output=True, check=False, timeout=COMMAND_S)  # noqa: S603 - ours
    try:
        said = json.loads(done.stdout)
        entries, problems = int(said["entries"]), said["problems"]
    except (ValueError, KeyError, TypeError) as error:
        raise NotWellError(f"its log cannot be verified: {done.stderr.decode(errors='replace')[-300:]}") from error
    if done.returncode != 0 or problems or entries < ENTRIES_MIN:
        raise NotWellError(f"its log does not verify: {entries} records, {problems}")
    return entries


def _last_words(folder: Path, program: str) -> str:
    lines = (folder / f"{program}.log").read_text(errors="replace").splitlines()
    return lines[-1][:300] if lines else f"{program} said nothing"
