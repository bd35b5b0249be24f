"""Who is who at a socket: the users of our programs, the groups of persons, and what the kernel says of a peer.

Promises: a program in service believes a listener only if it has that program's own user, and answers only whom the table names.
Where all programs run as one user (`gate run`, the demo) nothing can tell them apart, and nothing here claims to: that user is all of
them. The folders that only their owners can write are the first lock (`gate.channel.place`), this is the second.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gate.channel.row import PROGRAMS, Channel

_CREDENTIALS = struct.Struct("3i")
_GROUP = struct.Struct("I")
_GROUPS_MAX = 256  # of a peer; one with more belongs to none that counts
_SO_PEERGROUPS = 59  # Linux 4.13, asm-generic/socket.h
ROOT = 0


def user_of(program: str) -> str:
    """The name of a program's user, of its unit's runtime folder and of the group that its user has."""
    return f"portcullis-{program}"


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, as the kernel says."""

    pid: int
    uid: int
    gid: int
    groups: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Users:
    """The users that there are here. `in_service`: we are one of the programs' own users, and so are the others."""

    own: int
    in_service: bool
    programs: Mapping[str, int]
    groups: Mapping[str, int]

    @classmethod
    def here(cls, channel: Channel[Any, Any]) -> Users:
        """As this machine has them now, as far as this channel needs them."""
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
        """True for whom the table lets in: programs by their users, persons by their group, which admits no program."""
        if not self.in_service:
            return peer.uid in {self.own, ROOT}
        if peer.uid in self.programs.values():
            return peer.uid in {self.programs.get(caller) for caller in channel.callers}
        if not channel.persons:
            return False
        return peer.uid == ROOT or self.groups.get(channel.persons) in {peer.gid, *peer.groups}

    def is_listener(self, channel: Channel[Any, Any], peer: Peer) -> bool:
        """True for a peer that is the program that the table says listens. A person may also be asking a program of their own."""
        expected = {self.programs.get(channel.listener)}
        if not self.in_service:
            expected.add(self.own)
        return peer.uid in expected


def peer_of(end: socket.socket) -> Peer:
    """What the kernel knows of the other end: of a caller when it connected, of a listener when it began to listen."""
    raw = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(raw)
    try:
        listed = end.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_MAX * _GROUP.size)
    except OSError:
        listed = b""
    return Peer(pid, uid, gid, frozenset(number for (number,) in _GROUP.iter_unpack(listed)))
