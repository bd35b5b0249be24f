"""The whole log program in a process of its own, for what happens to machines: `python -m fakes.log_process STATE BESIDE COUNT MODE`.

STATE is the disk under test (database, spool, inbox), BESIDE holds key and sockets. Appends records one by one, each under its id until the log has it, prints every index once it is
acknowledged, and ends in order after COUNT, 0 for never. MODE `full` is the program as it is; `normal` is the control: SQLite syncs less.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pyrage
from fakes.roots import search_path

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.reader.settings import Elyctis
from gate.audit.store import Store
from gate.channel.errors import ChannelClosedError
from gate.channel.log_messages import Append, Appended, FromLog, NewRecord, Recorded
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.passage.names import RecordClass, RecordKind
from gate.programs.log import program
from gate.programs.log.context import Timing
from gate.programs.shared.config import Audit, Config, Paths
from gate_core.audit_format import keys
from gate_core.evidence.screen import Purpose
from gate_core.programs import clock

TRIES_MAX = 200
AGAIN_S = 0.05


class Unsynced(sqlite3.Connection):
    """A database that is not synced at each commit, whoever asks for it."""

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        return super().execute(sql.replace("synchronous=FULL", "synchronous=NORMAL"), *args)


def config_of(state: Path, beside: Path) -> Config:
    """A gate whose log lies on `state`. Makes its key and its auditor if there are none."""
    for folder in (beside / "keys", beside / "run", state / "inbox", state / "spool"):
        folder.mkdir(parents=True, exist_ok=True)
    auditor = beside / "auditor"
    if not auditor.exists():
        auditor.write_text(str(pyrage.x25519.Identity.generate().to_public()))
    made = Config(
        purpose=Purpose.DEMO,
        gate_id="gate-0001",
        operator="border.example",
        paths=Paths(
            run=str(beside / "run"),
            keys=str(beside / "keys"),
            state=str(state),
            spool=str(state / "spool"),
            inbox=str(state / "inbox"),
        ),
        barrier=Modbus(port="none"),
        swipe=Elyctis(port="nothing"),
        camera=Network(address="http://127.0.0.1:9/"),
        audit=Audit(recipients=(auditor.read_text(),)),
    )
    if not (beside / "keys/log.key").exists():
        keys.generate(beside / "keys/log.key", made.origin)
    return made


def vkey_of(config: Config) -> str:
    """The log's public key."""
    return keys.load(Path(config.paths.keys) / "log.key", config.origin).verifier.vkey


@contextmanager
def log_process(
    state: Path, beside: Path, *, count: int = 0, mode: str = "full", under: tuple[str, ...] = ()
) -> Iterator[Popen[str]]:
    """Start it, under another command if one is given; it is killed at the end, if it did not end."""
    config_of(state, beside)
    environment = {**os.environ, "PYTHONPATH": search_path(), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*under, sys.executable, "-m", "fakes.log_process", str(state), str(beside), str(count), mode]
    with Popen(command, stdout=PIPE, text=True, env=environment, cwd=beside) as process:
        try:
            yield process
        finally:
            process.kill()


async def _append_on(config: Config, count: int) -> None:
    stop = asyncio.Event()
    timing = Timing(publish_again_s=AGAIN_S, proof_again_s=AGAIN_S)
    running = asyncio.create_task(program.run(config, stop=stop, timing=timing))
    connection = await _connected(config, running)
    written = 0
    while not count or written < count:
        sys.stdout.write(f"{await _recorded(connection)}\n")
        sys.stdout.flush()
        written += 1
    connection.close()
    stop.set()
    await running


async def _connected(config: Config, running: asyncio.Task[None]) -> Connection[FromLog]:
    while True:
        try:
            return await connect(CHANNELS.log, config.socket("log"))
        except ChannelClosedError:
            if running.done():
                running.result()
            await asyncio.sleep(AGAIN_S)


def incident() -> NewRecord:
    """A small record of the machine's."""
    return NewRecord(
        id=os.urandom(16),
        kind=RecordKind.INCIDENT,
        about=RecordClass.DEVICE,
        crossing=None,
        monotonic_ms=clock.monotonic_ms(),
        leads_to_admission=False,
        ends_crossing=False,
        bytes_min=0,
        body=b"{}",
    )


async def _recorded(connection: Connection[FromLog]) -> int:
    record = incident()
    for _ in range(TRIES_MAX):
        await connection.send(Append([record]))
        match await connection.receive():
            case Appended([Recorded(index)]):
                return index
            case _:
                await asyncio.sleep(AGAIN_S)
    raise SystemExit("the log takes no records any more")


def main() -> None:
    """The process."""
    state, beside, count, mode = sys.argv[1:]
    if mode == "normal":
        defaults = Store.__init__.__kwdefaults__
        assert defaults is not None
        defaults["connect"] = lambda *args, **kwargs: sqlite3.connect(*args, factory=Unsynced, **kwargs)
    asyncio.run(_append_on(config_of(Path(state), Path(beside)), int(count)))


if __name__ == "__main__":
    main()
