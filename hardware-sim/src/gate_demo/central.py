"""The demo's central server: a child process that can be stopped and restarted, and its report at the end."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import msgspec

from gate_core.settings.environment import SUPERVISOR, environment_with
from gate_demo.stage import GATE_ID, StageError, command

HOST = "localhost"
READY_DEADLINE_S = 30.0


class Mirrored(msgspec.Struct, frozen=True):
    """The fleet list's entry for one gate's log."""

    entries: int
    root: str
    verified: bool | None


class Central:
    """One central server in `folder`. `start` and `stop` may alternate; the port stays the same."""

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder = folder
        self._log = log
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None

    def prepare(self) -> None:
        """Create its authority and keys. Raises StageError."""
        kept = ("--crossings-kept-days", "30", "--others-kept-days", "400")
        command("central", "init", "--dir", str(self._folder), "--name", HOST, *kept)

    def enrol(self, config: Path) -> None:
        """Enrol the gate of this configuration, as a technician does. Raises StageError."""
        token = command("central", "token", GATE_ID, "--dir", str(self._folder))["token"]
        address = f"{HOST}:{self._port}"
        authority = str(self._folder / "ca.pem")
        steps = command(
            *("provision", "enrol", "--config", str(config), "--central", address),
            *("--ca", authority),
            told=token,
        )["steps"]
        if failed := [step["detail"] for step in steps if step["state"] == "failed"]:
            raise StageError(f"gate provision enrol: {failed[0]}")

    async def start(self) -> None:
        """Start it and wait until it listens. Raises StageError."""
        with self._log.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gate.cli", "central", "serve"),
                *("--dir", str(self._folder), "--port", str(self._port)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=environment_with({SUPERVISOR: str(os.getpid())}),
            )
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(READY_DEADLINE_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            raise StageError("the central server did not start; its messages are in central.log")
        self._port = int(json.loads(line)["port"])

    async def stop(self) -> None:
        """Kill it."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    def gate(self) -> Mirrored:
        """Return the fleet list's entry for the demo's gate. Raises StageError."""
        fleet = command("central", "fleet", "--dir", str(self._folder), may_say_no=True)
        for entry in fleet["gates"]:
            if entry["id"] == GATE_ID:
                return msgspec.convert(entry, Mirrored)
        raise StageError("the central server does not know the demo's gate")
