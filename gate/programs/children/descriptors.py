"""Descriptors from a program to its child, over a socket pair of their own: each with a letter, and maybe a number. Sending never waits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections import defaultdict

HANDED_MAX = 8  # that wait to be taken; one more is closed at once

_LABEL_BYTES_MAX = 32


def pair() -> tuple[socket.socket, socket.socket]:
    """A pair to hand descriptors over. Each keeps the bounds of what is sent, and never waits."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


def hand(way: socket.socket, label: bytes, descriptor: int) -> None:
    """Hand one descriptor over; the sender keeps its own, to close. Raises OSError when nobody takes it.

    `label` begins with the letter, and is `_LABEL_BYTES_MAX` long at most.
    """
    socket.send_fds(way, [label], [descriptor])


class Handed:
    """What a child was handed and has not taken yet, by letter, in the order of coming."""

    def __init__(self, way: socket.socket) -> None:
        self._way = way
        self._way.setblocking(False)
        self._waiting: defaultdict[bytes, asyncio.Queue[tuple[bytes, int]]] = defaultdict(asyncio.Queue)
        self._held = 0
        asyncio.get_running_loop().add_reader(way.fileno(), self._receive)

    async def take(self, letter: bytes) -> socket.socket:
        """The next descriptor of this letter, as a socket that never waits. Waits for one to come."""
        return (await self.take_numbered(letter))[1]

    async def take_numbered(self, letter: bytes) -> tuple[int, socket.socket]:
        """Likewise, with the number that follows the letter; 0 without one."""
        label, descriptor = await self._waiting[letter].get()
        self._held -= 1
        end = socket.socket(fileno=descriptor)
        end.setblocking(False)
        number = label[1:]
        return int(number) if number.isdigit() else 0, end

    def close(self) -> None:
        """Close the way and everything that was not taken."""
        asyncio.get_running_loop().remove_reader(self._way.fileno())
        self._way.close()
        for queue in self._waiting.values():
            while not queue.empty():
                os.close(queue.get_nowait()[1])

    def _receive(self) -> None:
        try:
            label, descriptors, _, _ = socket.recv_fds(self._way, _LABEL_BYTES_MAX, HANDED_MAX)
        except BlockingIOError:
            return
        except OSError:
            label, descriptors = b"", []
        if not label:  # the parent has hung up
            with contextlib.suppress(OSError, ValueError):
                asyncio.get_running_loop().remove_reader(self._way.fileno())
        for descriptor in descriptors:
            if label and self._held < HANDED_MAX:
                self._held += 1
                self._waiting[label[:1]].put_nowait((label, descriptor))
            else:
                os.close(descriptor)
