"""Reads the frames of a document camera: what came, what it says, when it left.

Pure but for the looking itself: frames and their times in, events out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.page.reader import read

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gate.page.values import Reading, Recogniser, Why


@dataclass(frozen=True, slots=True)
class Present:
    """A document came into the picture."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """The zone was read by the whole acceptance rule; given once for each document."""

    reading: Reading
    at_ms: int


@dataclass(frozen=True, slots=True)
class Hinted:
    """What would make the next frame better, None when nothing does; given when it changes."""

    why: Why | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class Removed:
    """The document left the picture."""

    at_ms: int


PageEvent = Present | Accepted | Hinted | Removed


class LiveReader:
    """The state of one camera."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser

    def see(self, frame: npt.NDArray[np.uint8], *, at_ms: int) -> tuple[PageEvent, ...]:
        """Take one frame, grey or BGR; `at_ms` is monotonic. Raises BadPictureError and RecogniserError."""
        del at_ms  # the signature comes first
        read(frame, self._recogniser, any_rotation=False)
        return ()
