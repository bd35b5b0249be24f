"""One question to several listeners and their answers, without an event loop: for commands, which shall be there at once.

Promises: as `gate.channel.sockets`, which talks for longer. All are asked before any is waited for, so that together they take no longer
than the deadline. Errors: `gate.channel.errors`, as values: one listener's silence is none of another's.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gate.channel.errors import BadMessageError, ChannelClosedError, ChannelError
from gate.channel.framing import LENGTH, decoded, expect_listener, no_right
from gate.channel.row import Channel, ToCaller, ToListener
from gate.channel.users import Users, peer_of


def ask(
    listeners: Mapping[str, tuple[Channel[ToListener, ToCaller], Path]], question: ToListener, *, within_s: float
) -> dict[str, ToCaller | ChannelError]:
    """What each listener answers, or why it does not."""
    until_s = time.monotonic() + within_s
    frame = msgspec.msgpack.encode(question)
    answers: dict[str, ToCaller | ChannelError] = {}
    with contextlib.ExitStack() as ends:
        asked = {}
        for name, (channel, path) in listeners.items():
            end = ends.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            try:
                _put(end, channel, path, LENGTH.pack(len(frame)) + frame, until_s)
                asked[name] = end
            except ChannelError as error:
                answers[name] = error
        for name, end in asked.items():
            channel, _ = listeners[name]
            try:
                answers[name] = decoded(msgspec.msgpack.Decoder(channel.to_caller), _body(end, channel, until_s))
            except ChannelError as error:
                answers[name] = error
    return {name: answers[name] for name in listeners}


def _put(end: socket.socket, channel: Channel[ToListener, ToCaller], path: Path, frame: bytes, until_s: float) -> None:
    users = Users.here(channel)
    try:
        _wait_at_most(end, until_s)
        end.connect(str(path))
        expect_listener(channel, users, peer_of(end))
        end.sendall(frame)
    except PermissionError as error:
        raise no_right(channel, users, path) from error
    except OSError as error:
        raise ChannelClosedError(f"nobody listens on {path.name}") from error


def _body(end: socket.socket, channel: Channel[ToListener, ToCaller], until_s: float) -> bytes:
    (length,) = LENGTH.unpack(_exactly(end, LENGTH.size, until_s))
    if length > channel.bytes_max:
        raise BadMessageError(f"a message of {length} bytes exceeds {channel.bytes_max}")
    return _exactly(end, length, until_s)


def _exactly(end: socket.socket, length: int, until_s: float) -> bytes:
    body = bytearray()
    while len(body) < length:
        try:
            _wait_at_most(end, until_s)
            piece = end.recv(length - len(body))
        except OSError as error:
            raise ChannelClosedError("the peer does not answer in time") from error
        if not piece:
            raise ChannelClosedError("the peer is gone")
        body += piece
    return bytes(body)


def _wait_at_most(end: socket.socket, until_s: float) -> None:
    left_s = until_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    end.settimeout(left_s)
