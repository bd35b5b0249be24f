"""One question to several listeners and their answers, without an event loop: for commands, which shall be there at once.

Promises: as `gate.channel.sockets`, which talks for longer. All are asked and heard side by side, so that together they take no longer than
the deadline, and whoever answers before it is heard, whatever the others do. Errors: `gate.channel.errors`, as values: one listener's silence
is none of another's.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Generic

import msgspec

from gate.channel.errors import BadMessageError, ChannelClosedError, ChannelError
from gate.channel.framing import LENGTH, decoded, expect_listener, no_right
from gate.channel.row import Channel, ToCaller, ToListener
from gate.channel.users import Users, peer_of

FULL_AGAIN_S: Final = 0.01  # until a listener whose queue of callers is full is called again
PIECE_BYTES: Final = 65_536


def ask(
    listeners: Mapping[str, tuple[Channel[ToListener, ToCaller], Path]], question: ToListener, *, within_s: float
) -> dict[str, ToCaller | ChannelError]:
    """What each listener answers, or why it does not."""
    until_s = time.monotonic() + within_s
    body = msgspec.msgpack.encode(question)
    frame = LENGTH.pack(len(body)) + body
    answers: dict[str, ToCaller | ChannelError] = {}
    with contextlib.ExitStack() as ends:
        calls = {name: _Call(channel, path, frame, ends) for name, (channel, path) in listeners.items()}
        while True:
            answers |= {name: said for name, call in calls.items() if (said := _said(call)) is not None}
            calls = {name: call for name, call in calls.items() if name not in answers}
            left_s = until_s - time.monotonic()
            if not calls or left_s <= 0:
                break
            _wait(calls.values(), left_s)
    return {name: answers.get(name, ChannelClosedError("the peer does not answer in time")) for name in listeners}


class _Call(Generic[ToListener, ToCaller]):
    """One listener's: first to be asked, then to be heard. Nothing here waits."""

    def __init__(
        self, channel: Channel[ToListener, ToCaller], path: Path, frame: bytes, ends: contextlib.ExitStack
    ) -> None:
        self.end = ends.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        self.end.setblocking(False)
        self.is_asked = False
        self._channel = channel
        self._path = path
        self._frame = frame
        self._heard = bytearray()

    def goes_on(self) -> ToCaller | None:
        """The answer, None until it is there. Raises ChannelError."""
        if not self.is_asked and not self._ask():
            return None
        return self._hear()

    def _ask(self) -> bool:
        users = Users.here(self._channel)
        try:
            self.end.connect(str(self._path))
            expect_listener(self._channel, users, peer_of(self.end))
            self.end.sendall(self._frame)  # far smaller than what a socket holds
        except BlockingIOError:
            return False
        except PermissionError as error:
            raise no_right(self._channel, users, self._path) from error
        except OSError as error:
            raise ChannelClosedError(f"nobody listens on {self._path.name}") from error
        self.is_asked = True
        return True

    def _hear(self) -> ToCaller | None:
        wanted = LENGTH.size
        while True:
            if len(self._heard) >= LENGTH.size:
                (length,) = LENGTH.unpack_from(self._heard)
                if length > self._channel.bytes_max:
                    raise BadMessageError(f"a message of {length} bytes exceeds {self._channel.bytes_max}")
                wanted = LENGTH.size + length
            if len(self._heard) == wanted:
                decoder: msgspec.msgpack.Decoder[ToCaller] = msgspec.msgpack.Decoder(self._channel.to_caller)
                return decoded(decoder, bytes(self._heard[LENGTH.size :]))
            try:
                piece = self.end.recv(min(PIECE_BYTES, wanted - len(self._heard)))
            except BlockingIOError:
                return None
            except OSError as error:
                raise ChannelClosedError("the peer is gone") from error
            if not piece:
                raise ChannelClosedError("the peer is gone")
            self._heard += piece


def _said(call: _Call[ToListener, ToCaller]) -> ToCaller | ChannelError | None:
    try:
        return call.goes_on()
    except ChannelError as error:
        return error


def _wait(calls: Iterable[_Call[ToListener, ToCaller]], left_s: float) -> None:
    """Until one of them may go on, or the time is over."""
    poll = select.poll()
    for call in calls:
        if call.is_asked:
            poll.register(call.end, select.POLLIN)
        else:
            left_s = min(left_s, FULL_AGAIN_S)
    poll.poll(left_s * 1000)
