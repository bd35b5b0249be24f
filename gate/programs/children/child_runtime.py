"""A child process as it sees itself: hardened, connected with its parent, alive while its loop turns, ended with its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from gate.channel import messages
from gate.channel.errors import ChannelError
from gate.channel.sockets import CHILD_BYTES_MAX, Connection, adopt
from gate.programs.children.confine import harden
from gate.programs.children.descriptors import Handed
from gate_core.programs.task_groups import run_until_first_exits

ALIVE_EVERY_S = 1.0  # a parent gives a silent child up after three

Live = Coroutine[Any, Any, None]


def run(incoming: Any, live: Callable[[Connection[Any], Handed, dict[str, bool]], Live]) -> None:  # noqa: ANN401 - a union
    """The entry point of a child: `python -m MODULE PARENT_PID WAY`, a socket as standard input. `live` learns what `harden` says."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's to answer
    way = int(sys.argv[2])
    hardened = harden(int(sys.argv[1]), keep=(way,))
    end, beside = socket.socket(fileno=os.dup(0)), socket.socket(fileno=way)
    asyncio.run(attend(end, beside, incoming, lambda parent, handed: live(parent, handed, hardened)))


async def attend(
    end: socket.socket,
    way: socket.socket,
    incoming: Any,  # noqa: ANN401 - a union
    live: Callable[[Connection[Any], Handed], Live],
) -> None:
    """Live with the parent at the other end of `end` until it hangs up; what it hands over comes by `way`."""
    handed = Handed(way)
    parent: Connection[Any] = await adopt(end, incoming=incoming, bytes_max=CHILD_BYTES_MAX)
    try:
        await run_until_first_exits(live(parent, handed), _tell_alive(parent))
    except ChannelError:
        pass  # the parent is gone: so are we
    finally:
        parent.close()
        handed.close()


async def _tell_alive(parent: Connection[Any]) -> None:
    while True:
        await parent.send(messages.Alive())
        await asyncio.sleep(ALIVE_EVERY_S)
