"""Requests the programs' status for a command, without an event loop, so that the command starts fast."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gate.channel.errors import ChannelError, NotPermittedError
from gate.channel.message import Status, StatusRequest
from gate.channel.query import ask
from gate.channel.row import status_row
from gate.programs.shared.config import Config
from gate.programs.shared.program_status import ProgramStatus, Silence

DEADLINE_S: Final = 1.0


def ask_all(config: Config) -> ProgramStatus:
    """Request the status of every program of this gate."""
    return ProgramStatus.of(_asked(config, config.programs))


def ask_one(config: Config, program: str) -> Status | Silence:
    """Request the status of one program."""
    return _asked(config, [program])[program]


def _asked(config: Config, programs: Iterable[str]) -> dict[str, Status | Silence]:
    rows = {name: status_row(name) for name in programs}
    listeners = {name: (row, config.socket_of(row)) for name, row in rows.items()}
    answers = ask(listeners, StatusRequest(), within_s=DEADLINE_S)
    return {name: silence_of(one) if isinstance(one, ChannelError) else one for name, one in answers.items()}


def silence_of(error: ChannelError) -> Silence:
    """Return the reason for a missing status."""
    return Silence.NO_RIGHT if isinstance(error, NotPermittedError) else Silence.AWAY
