"""Processes of other users, for what the kernel says of them: one that listens, one that calls. They need root to become others."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")

_LISTEN = """
import os, socket, sys
import msgspec
from gate.channel import log_messages
from gate.channel.message import Status
path, uid = sys.argv[1], int(sys.argv[2])
end = socket.socket(socket.AF_UNIX)
end.bind(path)
os.setgroups([]); os.setgid(uid); os.setuid(uid)
end.listen()  # whose credentials a caller sees is decided here
print("listens", flush=True)
while True:
    caller, _ = end.accept()
    with caller:
        while head := caller.recv(4):
            message = msgspec.msgpack.decode(caller.recv(int.from_bytes(head, "big")), type=log_messages.ToLog)
            is_append = isinstance(message, log_messages.Append)
            answer = log_messages.Appended([log_messages.Recorded(0)]) if is_append else Status("log", "ready", {})
            body = msgspec.msgpack.encode(answer)
            caller.sendall(len(body).to_bytes(4, "big") + body)
"""

_CALL = """
import os, socket, sys, time
path, uid, groups, wire = sys.argv[1], int(sys.argv[2]), [int(one) for one in sys.argv[3].split(",")], bytes.fromhex(sys.argv[4])
os.setgroups(groups); os.setgid(uid); os.setuid(uid)
with socket.socket(socket.AF_UNIX) as end:
    end.settimeout(10)
    try:
        for _ in range(500):
            try:
                end.connect(path)
                break
            except BlockingIOError:
                time.sleep(0.01)
        end.sendall(wire)
        print(end.recv(65536).hex())
    except PermissionError:
        print("not let near")
    except OSError:
        print("")
"""

_HOLD = """
import os, socket, sys, time
path, uid, groups, count = sys.argv[1], int(sys.argv[2]), [int(one) for one in sys.argv[3].split(",")], int(sys.argv[4])
os.setgroups(groups); os.setgid(uid); os.setuid(uid)
ends = []
for _ in range(count):
    end = socket.socket(socket.AF_UNIX)
    end.connect(path)
    ends.append(end)
    if len(ends) == 200:
        for end in ends: end.close()
        ends.clear()
time.sleep(0.5)
held = 0
for end in ends:
    end.setblocking(False)
    try:
        end.recv(1)
    except BlockingIOError:
        held += 1
    except OSError:
        pass
print(held, flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that others can look up names in, as a runtime folder is in service."""
    with tempfile.TemporaryDirectory(prefix="gate-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@contextlib.asynccontextmanager
async def impostor(path: Path, uid: int = NOBODY) -> AsyncIterator[None]:
    """Another user's process that listens at `path` and says of every record that it is durable."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _LISTEN, str(path), str(uid), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"listens\n"
        yield
    finally:
        process.kill()
        await process.wait()


async def call(path: Path, wire: bytes, *, uid: int = NOBODY, groups: tuple[int, ...]) -> bytes | str:
    """What another user's process gets back for these bytes: nothing when it is hung up on; in words when the kernel refuses it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _CALL, str(path), str(uid), ",".join(map(str, groups)), wire.hex()),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    said = out.decode().strip()
    return said if " " in said else bytes.fromhex(said)


@contextlib.asynccontextmanager
async def holding(path: Path, count: int, *, uid: int = NOBODY, groups: tuple[int, ...]) -> AsyncIterator[int]:
    """Another user's process that opens so many connections and says nothing; gives how many of the last ones it was left."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _HOLD, str(path), str(uid), ",".join(map(str, groups)), str(count)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()
