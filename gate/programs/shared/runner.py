"""Runs one program as a process: configuration, structured log, signals, readiness and watchdog for systemd.

A program is `async run(config, *, stop)`. READY=1 is sent after the program's own socket has answered a status request,
and WATCHDOG=1 with each answer that is `alive`, so that systemd restarts a program that hangs. A program that waits for
a device or another program is alive, since a restart would not help.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from gate.channel.errors import NoPlaceError
from gate.channel.message import Status
from gate.channel.place import only_instance
from gate.programs.shared import config as configuration
from gate.programs.shared.config import Config
from gate.programs.shared.fault_latch import WORDS_MAX
from gate.programs.shared.program_status import Silence
from gate.programs.shared.status import hear
from gate_core.programs.journal import log_as_json
from gate_core.programs.process import loading, make_unreadable, told_to_stop
from gate_core.settings import config_file, environment

READY_POLL_S = 0.05
LIFE_POLL_S = 3.0  # the units' WatchdogSec is more than three times this


class Program(Protocol):
    """A program's entry point."""

    def __call__(self, config: Config, *, stop: asyncio.Event) -> Awaitable[None]:
        """Run until `stop` is set."""


def run_program(name: str, config: Config) -> None:
    """Run one program until SIGTERM or SIGINT. Raises what the program raises, NoPlaceError if it already runs.

    A refused configuration is logged as an event. The process is non-dumpable.
    """
    make_unreadable()
    in_journal = log_as_json(name)
    with loading():
        program: Program = importlib.import_module(f"gate.programs.{name}.program").run
    try:
        with only_instance(config.runtime(name)):
            asyncio.run(_supervised(name, program, config))
    except config_file.ConfigError as error:
        if in_journal:
            logging.getLogger(name).critical("configuration_refused", extra={"reason": str(error)[:WORDS_MAX]})
        raise
    except BaseExceptionGroup as errors:
        if (found := errors.subgroup(NoPlaceError)) is None:
            raise
        first: BaseException = found
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


async def _supervised(name: str, program: Program, config: Config) -> None:
    stop = told_to_stop()
    life = asyncio.ensure_future(_tell_of_life(name, config, _notifier(environment.notify_socket())))
    try:
        await program(config, stop=stop)
    finally:
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)


async def _tell_of_life(name: str, config: Config, notify: Callable[[str], None]) -> None:
    told_ready = False
    while True:
        status = await status_of(config, name, pid=os.getpid())
        if status is None:
            await asyncio.sleep(READY_POLL_S)
            continue
        if not told_ready:
            notify("READY=1")
            logging.getLogger(name).info("ready")
            told_ready = True
        notify(f"WATCHDOG=1\nSTATUS={status.state}" if status.alive else "STATUS=stands still")
        await asyncio.sleep(LIFE_POLL_S)


async def status_of(config: Config, name: str, *, pid: int | None = None) -> Status | None:
    """Return a program's status, or None if it does not answer (`gate.programs.shared.status.hear` returns why)."""
    answer = await hear(config, name, pid=pid)
    return None if isinstance(answer, Silence) else answer


def _notifier(address: str | None) -> Callable[[str], None]:
    """Return the function that sends systemd notifications (sd_notify(3)); it does nothing without systemd."""
    if address is None:
        return lambda _: None
    target = "\0" + address[1:] if address.startswith("@") else address
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def notify(text: str) -> None:
        with contextlib.suppress(OSError):
            channel.sendto(text.encode(), target)

    return notify


def load_config(path: Path | None) -> Config:
    """Load the configuration from `path`, or from the default place. Raises ConfigError."""
    return configuration.load(path or environment.path_from_environment())
