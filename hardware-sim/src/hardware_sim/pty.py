"""A serial cable between a simulated device and the program under test: a raw pty with a UART's timing.

A pty has no speed: bytes of a "9600 baud" line arrive in microseconds. This cable paces each direction against absolute
deadlines, ten bits a byte, so that a dialogue takes as long as on a real line. The cable can be unplugged and plugged
in again at the same path, and can drop, flip and insert bytes at random from a seed.

The device behind the cable does no I/O: it receives bytes and the time, and returns bytes. One thread for each line
owns the pty and calls the device. While the cable is out the device keeps running (its leaf moves, its timers run).

Not simulated, because a pty has none: parity, modem lines, break.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import threading
import time
import tty
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

BITS_PER_BYTE = 10  # start, eight data, stop
READ_BYTES_MAX = 4096  # a pty's buffer; more waits in the kernel
PENDING_BYTES_MAX = 65536  # more pending bytes are lost, as in a real UART when a host writes too fast
CHUNK_S = 0.001  # bytes of one millisecond travel together: fewer wake-ups, the same total time


class Device(Protocol):
    """The device at the far end of the cable."""

    @property
    def tick_ms(self) -> int:
        """Return the device's tick interval without traffic, in milliseconds."""

    def receive(self, received: bytes, now_ms: float) -> bytes:
        """Receive the host's bytes that arrived at this time; return the answer, which may be empty."""

    def tick(self, now_ms: float) -> bytes:
        """Advance to `now_ms`; return bytes to send unasked, which may be empty."""


@dataclass(frozen=True, slots=True)
class LineFaults:
    """Line faults, as probabilities from 0 to 1: a byte lost, a byte with one bit flipped, a byte inserted."""

    drop: float = 0.0
    flip: float = 0.0
    garbage: float = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError when a value is not a probability."""
        if not all(0.0 <= chance <= 1.0 for chance in (self.drop, self.flip, self.garbage)):
            raise ValueError(f"a chance lies between 0 and 1: {self}")


def disturb(data: bytes, faults: LineFaults, chance: random.Random) -> bytes:
    """Return what arrives of `data` on a cable with these faults."""
    arrived = bytearray()
    for byte in data:
        if chance.random() < faults.garbage:
            arrived.append(chance.randrange(256))
        if chance.random() < faults.drop:
            continue
        arrived.append(byte ^ (1 << chance.randrange(8)) if chance.random() < faults.flip else byte)
    return bytes(arrived)


class Wire:
    """One direction of the cable: computes when bytes arrive. Does no I/O."""

    def __init__(self, baud: int) -> None:
        self._byte_s = BITS_PER_BYTE / baud
        self._chunk_bytes = max(1, int(CHUNK_S / self._byte_s))
        self._free_at_s = 0.0
        self._under_way: deque[tuple[float, bytes]] = deque()
        self._bytes_under_way = 0

    def put(self, data: bytes, now_s: float) -> None:
        """Send bytes; they queue behind the bytes in transit. Bytes above the limit are lost."""
        data = data[: PENDING_BYTES_MAX - self._bytes_under_way]
        at_s = max(now_s, self._free_at_s)
        for start in range(0, len(data), self._chunk_bytes):
            chunk = data[start : start + self._chunk_bytes]
            at_s += len(chunk) * self._byte_s
            self._under_way.append((at_s, chunk))
        self._free_at_s = at_s
        self._bytes_under_way += len(data)

    def take(self, now_s: float) -> list[tuple[float, bytes]]:
        """Return the bytes that have arrived by now, in pieces, each with its true time of arrival."""
        arrived = []
        while self._under_way and self._under_way[0][0] <= now_s:
            arrived.append(self._under_way.popleft())
        self._bytes_under_way -= sum(len(chunk) for _, chunk in arrived)
        return arrived

    @property
    def next_at_s(self) -> float | None:
        """Return the time at which the next bytes arrive; None when none are in transit."""
        return self._under_way[0][0] if self._under_way else None

    def clear(self) -> None:
        """Lose all bytes in transit: the cable was cut."""
        self._under_way.clear()
        self._bytes_under_way = 0
        self._free_at_s = 0.0


class _Ends:
    """The two ends of an open pty, and the link in the world's folder to the host's end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)  # otherwise the line discipline echoes and turns CR into LF
        os.set_blocking(self.master, False)
        # An open descriptor of the host's end keeps the master readable while no host has it open.
        try:
            fresh = path.with_name(f".{path.name}.new")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(os.ttyname(self._slave))
            fresh.replace(path)
        except OSError:
            self._hang_up()
            raise

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        self._hang_up()

    def _hang_up(self) -> None:
        os.close(self.master)
        os.close(self._slave)

    def read(self) -> bytes:
        try:
            return os.read(self.master, READ_BYTES_MAX)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> None:
        # A host that does not read overruns its buffer and loses bytes, as with a real UART.
        with contextlib.suppress(BlockingIOError):
            os.write(self.master, data)


class SerialLine:
    """A device on a pty at `path`, served by its own thread between `start` and `stop`."""

    def __init__(self, path: Path, device: Device, *, baud: int = 115200, seed: int = 0) -> None:
        self.path = path
        self.faults = LineFaults()
        self._device = device
        self._chance = random.Random(seed)
        self._to_device = Wire(baud)
        self._to_host = Wire(baud)
        self._ends: _Ends | None = None
        self._wanted_plugged = True
        self._stopping = False
        self._plug_lock = threading.Lock()
        self._settled = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name=f"line {path.name}", daemon=True)

    def start(self) -> None:
        """Start the thread; afterwards the path can be opened. Raises OSError when there is no pty."""
        self._ends = _Ends(self.path)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and remove the path."""
        self._stopping = True
        self._wake()
        self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def unplug(self) -> None:
        """Unplug the cable: the path disappears, and programs that have it open see a hang-up."""
        self._set_plugged(wanted=False)

    def replug(self) -> None:
        """Plug the cable in again, at the same path."""
        self._set_plugged(wanted=True)

    def _set_plugged(self, *, wanted: bool) -> None:
        with self._plug_lock:
            self._wanted_plugged = wanted
            self._settled.clear()
        self._wake()
        self._settled.wait()

    def _wake(self) -> None:
        os.write(self._wake_write, b"x")

    def _run(self) -> None:
        next_tick_s = time.monotonic()
        try:
            while not self._stopping:
                self._settle_plug()
                now_s = time.monotonic()
                self._carry(now_s)
                if now_s >= next_tick_s:
                    self._send(self._device.tick(now_s * 1000), now_s)
                    next_tick_s = now_s + self._device.tick_ms / 1000
                self._wait(next_tick_s)
        finally:
            self._settled.set()
            if self._ends is not None:
                self._ends.close()

    def _settle_plug(self) -> None:
        # Only this thread uses the pty. It must not block in a read here: closing a master under a blocked reader
        # would leave the host without a hang-up.
        with self._plug_lock:
            if self._wanted_plugged and self._ends is None:
                self._ends = _Ends(self.path)
            elif not self._wanted_plugged and self._ends is not None:
                self._ends.close()
                self._ends = None
                self._to_device.clear()
                self._to_host.clear()
            self._settled.set()

    def _send(self, data: bytes, now_s: float) -> None:
        if self._ends is not None and data:
            self._to_host.put(disturb(data, self.faults, self._chance), now_s)

    def _carry(self, now_s: float) -> None:
        for at_s, chunk in self._to_device.take(now_s):
            self._send(self._device.receive(chunk, at_s * 1000), now_s)
        due = b"".join(chunk for _, chunk in self._to_host.take(now_s))
        if due and self._ends is not None:
            self._ends.write(due)

    def _wait(self, next_tick_s: float) -> None:
        wakes_s = [next_tick_s, self._to_device.next_at_s, self._to_host.next_at_s]
        timeout_s = max(0.0, min(at_s for at_s in wakes_s if at_s is not None) - time.monotonic())
        watched = [self._wake_read] if self._ends is None else [self._wake_read, self._ends.master]
        ready, _, _ = select.select(watched, [], [], timeout_s)
        if self._wake_read in ready:
            os.read(self._wake_read, READ_BYTES_MAX)
        if self._ends is not None and self._ends.master in ready:
            received = disturb(self._ends.read(), self.faults, self._chance)
            self._to_device.put(received, time.monotonic())
