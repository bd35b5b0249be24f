"""What both ways of talking over a channel share, on an event loop and without: a message's frame, and who may be at the other end."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from gate.channel.errors import BadMessageError, NotPermittedError, StrangerError
from gate.channel.row import Channel
from gate.channel.users import Peer, Users

LENGTH: Final = struct.Struct(">I")  # of the MessagePack that follows

Incoming = TypeVar("Incoming")


def decoded(decoder: msgspec.msgpack.Decoder[Incoming], body: bytes) -> Incoming:
    """The message that these bytes are. Raises BadMessageError, which says where it is wrong and never what was there: it may be of a document."""
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError) as error:
        place = str(error).rpartition(" - at ")[2] if isinstance(error, msgspec.ValidationError) else ""
        raise BadMessageError(f"not a message of this channel: {type(error).__name__} {place}".rstrip()) from error


def expect_listener(channel: Channel[Any, Any], users: Users, peer: Peer) -> None:
    """Raise StrangerError when another user listens than the table names."""
    if not users.is_listener(channel, peer):
        raise StrangerError(f"user {peer.uid} listens on the channel {channel.name} in the place of {channel.listener}")


def no_right(channel: Channel[Any, Any], users: Users, path: Path) -> NotPermittedError:
    """What is raised when the kernel does not let this user near the socket."""
    others = f"members of {channel.group}" if channel.group in users.groups else "the user that runs the gate"
    return NotPermittedError(f"{path} is not for this user but for root and {others}")
