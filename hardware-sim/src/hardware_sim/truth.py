"""The ground truth: the physical events, written by the world itself, one JSON object a line.

Every line has `monotonic_ms` (CLOCK_MONOTONIC, as in the gate's log), `behind_ms` (how far the world's time is behind that), `wall` (RFC 3339 UTC) and
`event`; docs/protocols/simulated-world.md lists the other fields of each event. An event is stamped where it happens. A separate thread
writes and fsyncs it, so that a slow disk never slows the simulated hardware.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self, TypeAlias

from hardware_sim.clock import WorldClock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


QUEUED_EVENTS_MAX = 10_000  # when the disk is this far behind, the world waits
LINE_BYTES_MAX = 16_384

Field: TypeAlias = str | int | float | bool | None


class TruthError(Exception):
    """An invalid line of a ground truth file."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the ground truth."""

    at_ms: int
    event: str
    fields: Mapping[str, object]
    behind_ms: int = 0  # how long the world's time had stopped until then

    @property
    def world_ms(self) -> int:
        """Return the time in the world's time, in milliseconds."""
        return self.at_ms - self.behind_ms

    @property
    def door(self) -> str:
        """Return the door of the event; a lane's only door is the last."""
        return self.text("door") or "last"

    def text(self, name: str) -> str:
        """Return a field as text, empty when it is missing."""
        return str(self.fields.get(name, ""))


class Truth:
    """Writes the ground truth of a world with this clock; thread-safe. Use as a context manager, or call `close`."""

    def __init__(self, path: Path, clock: WorldClock | None = None) -> None:
        self.path = path
        self._clock = WorldClock() if clock is None else clock
        self._file = path.open("ab")
        self._queue: queue.Queue[bytes | None] = queue.Queue(QUEUED_EVENTS_MAX)
        self._thread = threading.Thread(target=self._write, name="truth", daemon=True)
        self._thread.start()

    def record(self, event: str, *, world_ms: int | None = None, **fields: Field) -> None:
        """Record an event, now or at `world_ms`."""
        at_ms, behind_ms = self._now() if world_ms is None else self._at(world_ms)
        line = {
            "monotonic_ms": at_ms,
            "behind_ms": behind_ms,
            "wall": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "event": event,
            **fields,
        }
        self._queue.put(json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def _now(self) -> tuple[int, int]:
        real_s, behind_s = self._clock.stamp()
        return int(real_s * 1000), int(behind_s * 1000)

    def _at(self, world_ms: int) -> tuple[int, int]:
        behind_ms = int(self._clock.behind_s * 1000)
        return world_ms + behind_ms, behind_ms

    def close(self) -> None:
        """Write all recorded events to the disk before returning."""
        self._queue.put(None)
        self._thread.join()
        self._file.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Call `close`."""
        self.close()

    def _write(self) -> None:
        while (line := self._queue.get()) is not None:
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())


def read_truth(path: Path) -> tuple[Happening, ...]:
    """Return all happenings of a file in the order of its clock. Raises TruthError with the invalid line."""
    happenings = []
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES_MAX + 1), b""), 1):
            happenings.append(_parse(line, number))
    return tuple(sorted(happenings, key=lambda happening: happening.at_ms))


def _parse(line: bytes, number: int) -> Happening:
    if len(line) > LINE_BYTES_MAX:
        raise TruthError(f"ground truth line {number}: longer than {LINE_BYTES_MAX} bytes")
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise TruthError(f"ground truth line {number}: no JSON") from error
    if not isinstance(fields, dict):
        raise TruthError(f"ground truth line {number}: no JSON object")
    at_ms, event, behind_ms = fields.get("monotonic_ms"), fields.get("event"), fields.get("behind_ms", 0)
    if not isinstance(at_ms, int) or not isinstance(event, str) or not isinstance(behind_ms, int):
        raise TruthError(f"ground truth line {number}: needs a whole monotonic_ms and an event")
    return Happening(at_ms, event, fields, behind_ms)
