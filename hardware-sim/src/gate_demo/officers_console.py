"""The officers' console beside the demo's gate: a child process on loopback; its officer signs in with a key file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import tomli_w

from gate.programs.shared.consoles import known_fingerprint
from gate.programs.shared.supervisor import end
from gate_core.settings.environment import SUPERVISOR, environment_with
from gate_demo.stage import Stage, StageError, free_port

READY_DEADLINE_S = 30.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Pages:
    """The loopback port of the console's pages, and the origin under which browsers open them."""

    port: int
    origin: str

    @classmethod
    def direct(cls) -> Self:
        """Return a free port, which browsers open directly."""
        port = free_port()
        return cls(port, f"http://localhost:{port}")


@contextlib.asynccontextmanager
async def console(stage: Stage, pages: Pages | None = None) -> AsyncIterator[str]:
    """Run this gate's console during the block, once `screens` is ready; yield its address. Raises StageError."""
    pages = pages or Pages.direct()
    config = _written(stage, pages)
    with stage.log_of("console").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gate.cli", "console", "serve", "--config", str(config)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment_with({SUPERVISOR: str(os.getpid())}),
            process_group=0,
        )
    try:
        await _until_served(process, pages.port)
        yield f"{pages.origin}/"
    finally:
        await end(process)


def _written(stage: Stage, pages: Pages) -> Path:
    """Write the console's configuration, which pins the gate's key; return its path."""
    console, officers = stage.config.console, stage.config.officers
    assert console is not None
    assert officers is not None
    table = {
        "identity": str(stage.console),
        "folder": str(stage.folder / "console"),
        "pages": {"address": f"127.0.0.1:{pages.port}", "origin": pages.origin},
        "authority": {"public": officers.authority},
        "gates": {stage.config.gate_id: {"address": console.address, "key": known_fingerprint(stage.config)}},
    }
    path = stage.folder / "console.toml"
    path.write_bytes(tomli_w.dumps(table).encode())
    return path


async def _until_served(process: asyncio.subprocess.Process, port: int) -> None:
    """Wait until a server listens. Raises StageError."""
    try:
        async with asyncio.timeout(READY_DEADLINE_S):
            while process.returncode is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except ConnectionRefusedError:
                    await asyncio.sleep(POLL_S)
                    continue
                writer.close()
                return
    except TimeoutError:
        pass
    raise StageError("the officers' console did not start; its messages are in console.log")
