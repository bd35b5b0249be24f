"""Runtime of a child process: hardening, connection to its parent, signs of life, end with its parent.

The other side is `gate.programs.children.child_handle`. Left to each kind of child: its messages, work and `confine`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from gate.channel import child_messages
from gate.channel.errors import ChannelError
from gate.channel.sockets import CHILD_BYTES_MAX, Connection, adopt
from gate.programs.children.confine import harden
from gate.programs.children.descriptors import Handed
from gate_core.programs.task_groups import run_until_first_exits

ALIVE_EVERY_S = 1.0  # a parent ends a child after three silent seconds

Live = Coroutine[Any, Any, None]


def run(incoming: Any, live: Callable[[Connection[Any], Handed, dict[str, bool]], Live]) -> None:  # noqa: ANN401 - a union
    """Entry point of a child: `python -m MODULE PARENT_PID WAY`, a socket as stdin. `live` gets `harden`'s result."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles a terminal's Ctrl-C
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
    """Run `live`, and send signs of life, until the parent closes `end`. Descriptors arrive by `way`."""
    handed = Handed(way)
    parent: Connection[Any] = await adopt(end, incoming=incoming, bytes_max=CHILD_BYTES_MAX)
    try:
        await run_until_first_exits(live(parent, handed), _tell_alive(parent))
    except ChannelError:
        pass  # the parent is gone: end
    finally:
        parent.close()
        handed.close()


async def _tell_alive(parent: Connection[Any]) -> None:
    while True:
        await parent.send(child_messages.Alive())
        await asyncio.sleep(ALIVE_EVERY_S)
