"""Passes descriptors from a program to its child, each with a letter for its purpose, and an optional number.

They use a separate socket pair, so that their data never passes through messages or buffers. Sending never waits: a
child that does not receive counts as lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections import defaultdict

HANDED_MAX = 8  # not taken yet; a further one is closed

_LABEL_BYTES_MAX = 32


def pair() -> tuple[socket.socket, socket.socket]:
    """Return a pair of non-blocking SOCK_SEQPACKET sockets for descriptors."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


def hand(way: socket.socket, label: bytes, descriptor: int) -> None:
    """Send one descriptor; the sender still closes its own. Raises OSError if the child is gone or does not receive.

    `label` begins with the letter and has at most `_LABEL_BYTES_MAX` bytes.
    """
    socket.send_fds(way, [label], [descriptor])


class Handed:
    """Descriptors that a child received and has not taken yet, by letter, in order of arrival."""

    def __init__(self, way: socket.socket) -> None:
        self._way = way
        self._way.setblocking(False)
        self._waiting: defaultdict[bytes, asyncio.Queue[tuple[bytes, int]]] = defaultdict(asyncio.Queue)
        self._held = 0
        asyncio.get_running_loop().add_reader(way.fileno(), self._receive)

    async def take(self, letter: bytes) -> socket.socket:
        """Wait for the next descriptor of this letter; return it as a non-blocking socket."""
        return (await self.take_numbered(letter))[1]

    async def take_numbered(self, letter: bytes) -> tuple[int, socket.socket]:
        """As `take`, with the number after the letter; 0 without one."""
        label, descriptor = await self._waiting[letter].get()
        self._held -= 1
        end = socket.socket(fileno=descriptor)
        end.setblocking(False)
        number = label[1:]
        return int(number) if number.isdigit() else 0, end

    def close(self) -> None:
        """Close the socket and all descriptors that were not taken."""
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
        if not label:  # the parent closed its end
            with contextlib.suppress(OSError, ValueError):
                asyncio.get_running_loop().remove_reader(self._way.fileno())
        for descriptor in descriptors:
            if label and self._held < HANDED_MAX:
                self._held += 1
                self._waiting[label[:1]].put_nowait((label, descriptor))
            else:
                os.close(descriptor)
