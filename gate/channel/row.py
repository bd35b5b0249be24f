"""What a channel between our programs is: one row of `gate.channel.table`, and those on which a program says how it is."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gate.channel.message import Message, Status, StatusRequest
from gate_core.rate_limit import Rate

PROGRAMS = ("log", "vision", "lane", "sync", "screens", "registers")
# Persons whose terminals may carry orders to a lane, which only their signature makes orders; and those who may ask how the programs are:
# screens is one of these, and asks for the metrics.
OFFICERS, OPERATORS = "portcullis-officer", "portcullis-operators"

ToListener = TypeVar("ToListener", bound=Message)
ToCaller = TypeVar("ToCaller", bound=Message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel(Generic[ToListener, ToCaller]):
    """One row. `callers` are programs; `persons` is a group whose members may call, too, empty for none.

    `to_listener` and `to_caller` are the unions of messages each way; None where a connection carries no messages (`listen`, `reach`). A connection says something within `first_s`, and a message that
    has begun is complete within `complete_s`, or it is hung up on. A peer that does not read for `read_s` is gone.
    """

    name: str
    listener: str
    callers: tuple[str, ...]
    purpose: str
    to_listener: Any
    to_caller: Any
    to_listener_rate: Rate
    to_caller_rate: Rate
    persons: str = ""
    bytes_max: int = 64 * 1024
    connections_a_user: int = 8
    connections_a_process: int = 4
    connections_a_program: int = 0  # where a program carries for many; 0: as anybody
    first_s: float = 5.0
    complete_s: float = 2.0
    read_s: float = 2.0

    @property
    def file(self) -> str:
        """The name of the socket's file in its listener's runtime folder."""
        return f"{self.name.removesuffix(f'-{self.listener}')}.sock"

    @property
    def group(self) -> str:
        """The group that the socket's access list lets in beside its owner: whoever may call."""
        return self.persons or f"portcullis-call-{self.name}"


@functools.cache
def status_row(program: str) -> Channel[StatusRequest, Status]:
    """The row on which a program says how it is."""
    return Channel(
        name=f"status-{program}",
        listener=program,
        callers=tuple(dict.fromkeys((program, "screens"))),
        persons=OPERATORS,
        purpose=f"how {program} is: for `gate status`, the self-test, the program's own watchdog and the metrics",
        to_listener=StatusRequest,
        to_caller=Status,
        to_listener_rate=Rate(20, 40),
        to_caller_rate=Rate(20, 40),
    )
