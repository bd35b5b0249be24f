"""The real document child, captured: where it would read the chip, it does what the crossing's id names.

Prepared and confined like any other. What it found it answers as the reason of its evidence.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import msgspec

from gate.channel import child_messages, document_messages
from gate.programs.lane.document import child
from gate_core.evidence.crossing import CheckId, DocumentEvidence

SIZE = 4 * 1024 * 1024 - 64  # nearly the longest message that a child may send before it is prepared
CHATTER_BYTES = 1 << 20


def _read_a_file() -> str:
    try:
        Path("/etc/passwd").read_bytes()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "read"


def _say(*bodies: bytes) -> str:
    """Past the channel's own code: these bytes, whatever they are."""
    with socket.socket(fileno=os.dup(0)) as lane:
        lane.setblocking(True)
        for body in bodies:
            lane.sendall(struct.pack(">I", len(body)) + body)
    return "said"


def _prepared_of_lists() -> bytes:
    return b"\x82\xa4type\xa8Prepared\xa6detail\x81\xa1a\xdd" + struct.pack(">I", SIZE) + b"\x90" * SIZE


def _chatter() -> str:
    said = 0
    try:
        while said < CHATTER_BYTES:
            said += os.write(2, b"a stranger's words\x1b[2J\n" * 100)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "said"


DEEDS: dict[str, Callable[[], str]] = {
    "read": _read_a_file,
    "flood": lambda: _say(_prepared_of_lists()),
    "again": lambda: _say(msgspec.msgpack.encode(child_messages.Prepared({}))),
    "chatter": _chatter,
}


async def _captured(wanted: document_messages.ReadDocument, *_: object) -> DocumentEvidence:
    return DocumentEvidence.unreadable(DEEDS[wanted.crossing](), CheckId.MRZ)


def main() -> None:
    """Run the child, captured."""
    vars(child)["inspect_presented"] = _captured
    child.main()
