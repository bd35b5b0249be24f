"""What both ways of talking over a channel share, on an event loop and without: a message's frame, and who may be at the other end."""

from __future__ import annotations

import dataclasses
import functools
import struct
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from gate.channel.errors import BadMessageError, NotPermittedError, StrangerError
from gate.channel.row import Channel
from gate.channel.users import Peer, Users

LENGTH: Final = struct.Struct(">I")  # of the MessagePack that follows

Incoming = TypeVar("Incoming")


def decoded(decoder: msgspec.msgpack.Decoder[Incoming], body: bytes) -> Incoming:
    """The message that these bytes are. Raises BadMessageError, which says where it is wrong and never what was there: it may be of a document."""
    try:
        message = decoder.decode(body)
        kind: type = type(message)
        said = msgspec.msgpack.decode(body) if _carries_dataclasses(kind) else None
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError) as error:
        place = str(error).rpartition(" - at ")[2] if isinstance(error, msgspec.ValidationError) else ""
        raise BadMessageError(f"not a message of this channel: {type(error).__name__} {place}".rstrip()) from error
    if _says_more(said, message):
        raise BadMessageError("not a message of this channel: an unknown field of evidence")
    return message


@functools.cache
def _carries_dataclasses(kind: type) -> bool:
    """True for a message with evidence in it. Of a dataclass, unlike of a struct, msgspec passes over fields that it does not know."""
    seen, waiting = set[type](), [inspect.type_info(kind)]
    while waiting:
        match waiting.pop():
            case inspect.DataclassType():
                return True
            case inspect.StructType(cls=cls, fields=fields) if cls not in seen:
                seen.add(cls)
                waiting += [field.type for field in fields]
            case inspect.UnionType(types=types) | inspect.TupleType(item_types=types):
                waiting += types
            case (
                inspect.ListType(item_type=item)
                | inspect.VarTupleType(item_type=item)
                | inspect.DictType(value_type=item)
            ):
                waiting.append(item)
            case _:
                pass
    return False


def _says_more(said: object, read: object) -> bool:
    """True when what was said names a field that the dataclass, which was read of it, has not."""
    match said:
        case dict():
            if dataclasses.is_dataclass(read) and said.keys() - {field.name for field in dataclasses.fields(read)}:
                return True
            return any(
                _says_more(value, getattr(read, name, None)) for name, value in said.items() if isinstance(name, str)
            )
        case list() if isinstance(read, list | tuple):
            return any(_says_more(one, other) for one, other in zip(said, read, strict=True))
        case _:
            return False


def expect_listener(channel: Channel[Any, Any], users: Users, peer: Peer) -> None:
    """Raise StrangerError when another user listens than the table names."""
    if not users.is_listener(channel, peer):
        raise StrangerError(f"user {peer.uid} listens on the channel {channel.name} in the place of {channel.listener}")


def no_right(channel: Channel[Any, Any], users: Users, path: Path) -> NotPermittedError:
    """What is raised when the kernel does not let this user near the socket."""
    others = f"members of {channel.group}" if channel.group in users.groups else "the user that runs the gate"
    return NotPermittedError(f"{path} is not for this user but for root and {others}")
