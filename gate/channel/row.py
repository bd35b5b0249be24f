"""The definition of a channel between our programs (a row of `gate.channel.table`), its permitted ends, and the framing of messages.

In service a listener is trusted only if it has its program's own user. If one user runs everything, that user counts as all programs.
Folders that only their owners can write are the first protection (`gate.channel.place`), this is the second.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import grp
import os
import pwd
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import inspect

from gate.channel.errors import BadMessageError, NotPermittedError, StrangerError
from gate.channel.message import Message, Status, StatusRequest
from gate_core.rate_limit import Rate

PROGRAMS = ("log", "vision", "lane", "sync", "screens", "registers")
# The group whose terminals may submit orders to a lane (an order also needs an officer's signature), and the group that may read the
# programs' status. Screens is in the second, for the metrics.
OFFICERS, OPERATORS = "portcullis-officer", "portcullis-operators"

ToListener = TypeVar("ToListener", bound=Message)
ToCaller = TypeVar("ToCaller", bound=Message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel(Generic[ToListener, ToCaller]):
    """One row. `callers`: programs; `persons`: a group whose members may connect too, empty for none.

    `to_listener` and `to_caller`: the unions of messages each way; None without messages (`listen`, `reach`). A connection that does not
    send within `first_s`, or complete a message within `complete_s`, is closed. A peer that does not read for `read_s` counts as gone.
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
    connections_a_program: int = 0  # for a program that forwards for many; 0: the default
    first_s: float = 5.0
    complete_s: float = 2.0
    read_s: float = 2.0

    @property
    def file(self) -> str:
        """The socket's file name in its listener's runtime folder."""
        return f"{self.name.removesuffix(f'-{self.listener}')}.sock"

    @property
    def group(self) -> str:
        """The group in the socket's access list besides its owner: the permitted callers."""
        return self.persons or f"portcullis-call-{self.name}"


@functools.cache
def status_row(program: str) -> Channel[StatusRequest, Status]:
    """Return the row of a program's status channel."""
    return Channel(
        name=f"status-{program}",
        listener=program,
        callers=tuple(dict.fromkeys((program, "screens"))),
        persons=OPERATORS,
        purpose=f"the status of {program}: for `gate status`, the self-test, the program's own watchdog and the metrics",
        to_listener=StatusRequest,
        to_caller=Status,
        to_listener_rate=Rate(20, 40),
        to_caller_rate=Rate(20, 40),
    )


_CREDENTIALS = struct.Struct("3i")
_GROUP = struct.Struct("I")
_GROUPS_MAX = 256  # of a peer; one with more belongs to none that counts
_SO_PEERGROUPS = 59  # Linux 4.13, asm-generic/socket.h
ROOT = 0


def user_of(program: str) -> str:
    """Return the name of a program's user, its unit's runtime folder and its user's group."""
    return f"portcullis-{program}"


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection, as the kernel reports it."""

    pid: int
    uid: int
    gid: int
    groups: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Users:
    """The users on this machine. `in_service`: this process and the others run as the programs' own users."""

    own: int
    in_service: bool
    programs: Mapping[str, int]
    groups: Mapping[str, int]

    @classmethod
    def here(cls, channel: Channel[Any, Any]) -> Users:
        """Return this machine's users, as far as this channel needs them."""
        own = os.geteuid()
        found = {}
        for program in {*PROGRAMS, channel.listener}:
            with contextlib.suppress(KeyError):
                found[program] = pwd.getpwnam(user_of(program)).pw_uid
        groups = {}
        with contextlib.suppress(KeyError):
            groups[channel.group] = grp.getgrnam(channel.group).gr_gid
        return cls(own, own in found.values(), found, groups)

    def may_call(self, channel: Channel[Any, Any], peer: Peer) -> bool:
        """True if the table permits the peer: programs by user, persons by group, which admits no program."""
        if not self.in_service:
            return peer.uid in {self.own, ROOT}
        if peer.uid in self.programs.values():
            return peer.uid in {self.programs.get(caller) for caller in channel.callers}
        if not channel.persons:
            return False
        return peer.uid == ROOT or self.groups.get(channel.persons) in {peer.gid, *peer.groups}

    def is_listener(self, channel: Channel[Any, Any], peer: Peer) -> bool:
        """True if the peer is the table's listener. A person may also query a program of their own."""
        expected = {self.programs.get(channel.listener)}
        if not self.in_service:
            expected.add(self.own)
        return peer.uid in expected


def peer_of(end: socket.socket) -> Peer:
    """Return the kernel's information on the other end: of a caller from its connect, of a listener from its listen."""
    raw = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(raw)
    try:
        listed = end.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_MAX * _GROUP.size)
    except OSError:
        listed = b""
    return Peer(pid, uid, gid, frozenset(number for (number,) in _GROUP.iter_unpack(listed)))


LENGTH: Final = struct.Struct(">I")  # of the MessagePack that follows

Incoming = TypeVar("Incoming")


def decoded(decoder: msgspec.msgpack.Decoder[Incoming], body: bytes) -> Incoming:
    """Decode a message. Raises BadMessageError with the place of the error, never the value: it may be document data."""
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
    """True for a message with evidence in it. In a dataclass, unlike a struct, msgspec ignores unknown fields."""
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
    """True if the message has a field that the decoded dataclass does not."""
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
    """Raise StrangerError if another user listens than the table names."""
    if not users.is_listener(channel, peer):
        raise StrangerError(f"user {peer.uid} listens on the channel {channel.name} in the place of {channel.listener}")


def no_right(channel: Channel[Any, Any], users: Users, path: Path) -> NotPermittedError:
    """Return the error for a user whom the kernel denies access to the socket."""
    others = f"members of {channel.group}" if channel.group in users.groups else "the user that runs the gate"
    return NotPermittedError(f"{path} is not for this user but for root and {others}")
