"""The public interface for sensors that give a verdict of their own of whether somebody lives (PAD): what their service says, and its protocol."""

from __future__ import annotations

from typing import Annotated, Protocol

import msgspec

from gate_core.evidence.crossing import PadResult
from gate_core.settings.base import Shown

__all__ = ["PadCodec", "PadResult", "Sensor", "Verdict"]

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Sensor(msgspec.Struct, frozen=True, tag_field="say", tag="sensor"):
    """The sensor's identity; the first line of a connection."""

    name: Shown
    version: Shown
    bound: Share


class Verdict(msgspec.Struct, frozen=True, tag_field="say", tag="verdict"):
    """One verdict: its crossing, sequence number and measurement's age. A score from 0 (a picture) to 1 (a person)."""

    crossing: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
    number: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    result: PadResult
    age_ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)]
    score: Share | None = None


class PadCodec(Protocol):
    """What a sensor's service speaks on its socket. Pure: no I/O, no clock."""

    def ask(self, crossing: str) -> bytes:
        """Return the request to look at whoever stands there; `crossing` has 32 hexadecimal digits."""

    def decode(self, buffer: bytes) -> tuple[Sensor | Verdict | None, int]:
        """Return what the buffer begins with and the number of bytes it used. `(None, 0)` means: read more.

        Raises BadFrameError for bytes that can never be of this protocol.
        """
