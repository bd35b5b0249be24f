"""One question to several listeners in parallel, without an event loop: for commands, which must answer at once."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from gate.channel.errors import BadMessageError, ChannelClosedError, ChannelError
from gate.channel.row import LENGTH, Channel, ToCaller, ToListener, Users, decoded, expect_listener, no_right, peer_of

FULL_AGAIN_S: Final = 0.01  # until a listener whose queue of callers is full is called again
PIECE_BYTES: Final = 65_536


def ask(
    listeners: Mapping[str, tuple[Channel[ToListener, ToCaller], Path]], question: ToListener, *, within_s: float
) -> dict[str, ToCaller | ChannelError]:
    """Return each listener's answer, or its error."""
    until_s = time.monotonic() + within_s
    body = msgspec.msgpack.encode(question)
    frame = LENGTH.pack(len(body)) + body
    answers: dict[str, ToCaller | ChannelError] = {}
    with contextlib.ExitStack() as ends:
        calls = {name: _call(channel, path, frame, ends) for name, (channel, path) in listeners.items()}
        while calls:
            poll, left_s = select.poll(), until_s - time.monotonic()
            for name, call in calls.items():
                try:
                    if (end := next(call)) is None:
                        left_s = min(left_s, FULL_AGAIN_S)
                    else:
                        poll.register(end, select.POLLIN)
                except StopIteration as done:
                    answers[name] = done.value
                except ChannelError as error:
                    answers[name] = error
            calls = {name: call for name, call in calls.items() if name not in answers}
            if time.monotonic() >= until_s:
                break
            if calls:
                poll.poll(left_s * 1000)
    return {name: answers.get(name, ChannelClosedError("the peer does not answer in time")) for name in listeners}


def _call(
    channel: Channel[ToListener, ToCaller], path: Path, frame: bytes, ends: contextlib.ExitStack
) -> Generator[socket.socket | None, None, ToCaller]:
    """Query one listener. Never waits: yields the socket from which more is expected, or None to be resumed soon.

    Raises ChannelError.
    """
    end = ends.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    end.setblocking(False)
    users, is_asked = Users.here(channel), False
    while not is_asked:
        try:
            end.connect(str(path))
            expect_listener(channel, users, peer_of(end))
            end.sendall(frame)  # far smaller than what a socket holds
            is_asked = True
        except BlockingIOError:
            yield None
        except PermissionError as error:
            raise no_right(channel, users, path) from error
        except OSError as error:
            raise ChannelClosedError(f"nobody listens on {path.name}") from error
    heard, wanted = bytearray(), LENGTH.size
    while len(heard) < wanted:
        try:
            piece = end.recv(min(PIECE_BYTES, wanted - len(heard)))
        except BlockingIOError:
            yield end
            continue
        except OSError as error:
            raise ChannelClosedError("the peer is gone") from error
        if not piece:
            raise ChannelClosedError("the peer is gone")
        heard += piece
        if len(heard) == wanted == LENGTH.size:
            (length,) = LENGTH.unpack(heard)
            if length > channel.bytes_max:
                raise BadMessageError(f"a message of {length} bytes exceeds {channel.bytes_max}")
            wanted += length
    decoder: msgspec.msgpack.Decoder[ToCaller] = msgspec.msgpack.Decoder(channel.to_caller)
    return decoded(decoder, bytes(heard[LENGTH.size :]))
