"""A gate of which log and sync can run anywhere: no device, no model, no display."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pyrage
import tomli_w

from gate.programs.shared import config as configuration
from gate.programs.shared.config import Config
from gate.programs.shared.runner import status_of
from gate_core.audit_format import keys

DEADLINE_S = 30
NOTICE = {
    "contact": "privacy@border.example",
    "address": "https://border.example/n",
    "results_kept_days": 30,
}  # a gate in service has one


def small_gate(folder: Path) -> Config:
    """Its configuration and its keys, in `folder`."""
    table = {
        "purpose": "demo",
        "gate_id": "g",
        "operator": "o",
        "paths": {name: str(folder / name) for name in ("run", "state", "spool", "inbox", "keys", "trust")},
        "barrier": {"port": "none"},
        "swipe": {"port": "nothing"},
        "camera": {"address": "http://127.0.0.1/stream"},
        "audit": {"recipients": [str(pyrage.x25519.Identity.generate().to_public())]},
        "lists": {"folder": str(folder)},
    }
    (folder / "gate.toml").write_text(tomli_w.dumps(table))
    for name in ("spool", "inbox", "keys"):
        (folder / name).mkdir()
    made = configuration.load(folder / "gate.toml")
    keys.generate(folder / "keys" / "log.key", made.origin)
    return made


MODULE = ("-m", "gate.cli")


def command(folder: Path, program: str, way: tuple[str, str] = MODULE) -> list[str]:
    """What starts one of its programs."""
    return [sys.executable, *way, "run", program, "--config", str(folder / "gate.toml")]


@contextlib.asynccontextmanager
async def started(
    folder: Path, config: Config, program: str, *, prefix: tuple[str, ...] = (), way: tuple[str, str] = MODULE
) -> AsyncIterator[asyncio.subprocess.Process]:
    """One of its programs as a process, from the moment that it says how it is. `prefix` is what its command begins with."""
    process = await asyncio.create_subprocess_exec(
        *prefix, *command(folder, program, way), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            while await status_of(config, program, pid=process.pid) is None:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
