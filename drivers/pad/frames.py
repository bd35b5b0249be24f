"""The lines of a sensor with a verdict of its own (docs/protocols/pad-sensor.md), bytes to values and back. No I/O."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from gate_core.errors import BadFrameError
from gate_core.evidence.crossing import PadResult

LINE_BYTES_MAX: Final = 512

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Shown = Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,64}$")]


class Sensor(msgspec.Struct, frozen=True, tag_field="say", tag="sensor"):
    """Who it is; the first line of a connection."""

    name: Shown
    version: Shown
    bound: Share


class Verdict(msgspec.Struct, frozen=True, tag_field="say", tag="verdict"):
    """One verdict: of which crossing, the how manieth, how old its measurement is. A score from 0 (a picture) to 1 (a person)."""

    crossing: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
    number: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    result: PadResult
    age_ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)]
    score: Share | None = None


Said = Sensor | Verdict
_DECODER: Final = msgspec.json.Decoder(Said)


def decode(buffer: bytes) -> tuple[Said | None, int]:
    """Return the first line's value and the number of bytes it used. `(None, 0)` means: read more.

    Raises BadFrameError on bytes that can never become a line.
    """
    end = buffer.find(b"\n", 0, LINE_BYTES_MAX)
    if end < 0:
        if len(buffer) >= LINE_BYTES_MAX:
            raise BadFrameError(f"the sensor sends a line of more than {LINE_BYTES_MAX} bytes")
        return None, 0
    try:
        return _DECODER.decode(buffer[:end]), end + 1
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFrameError("the sensor sends a line that is none of its protocol") from error


def look(crossing: str) -> bytes:
    """Ask it to look at whoever stands there, for as long as the connection is open."""
    return b'{"ask":"look","crossing":"%s"}\n' % crossing.encode("ascii")
