"""Reads the frames of a document camera: what came, what it says, when it left.

Frames and their times in, events out; time is the frames' own. A frame that looks like the one before costs next to nothing: the
bed is empty as it was, or the page that was read still lies there. Every `LOOK_EVERY_MS` such a frame is looked at all the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.page.placement import moving
from gate.page.reader import grey_of, read
from gate.page.values import NoReading, Reading, Why
from gate.page.voting import Votes, counts

if TYPE_CHECKING:
    import numpy.typing as npt

    from gate.page.values import Grey, Quad, Recogniser

REMOVED_AFTER_MS = 500  # without a zone: a hand over the page for a moment is no removal
LOOK_EVERY_MS = 400
STEADY_FRAMES = 2  # a new hint is told when it shows in so many frames running
STRANGERS_MIN = 2
DOUBTFUL_CHARACTERS_MAX = 8  # a doubtful reading of the accepted page differs from it by less
THUMB_PX = (48, 36)
UNCHANGED_MAX = 3.0  # grey values between thumbs, mean: sensor noise and flicker stay below, a moved page does not


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
class Agreed:
    """Frames agree on the text, and nothing changed between them: the chip may confirm it. Given once for each document, if at all."""

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


PageEvent = Present | Accepted | Agreed | Hinted | Removed


class LiveReader:
    """The state of one camera."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self._thumb: npt.NDArray[np.float32] | None = None
        self._looked_ms = 0
        self._document: _Document | None = None
        self.seen: Reading | NoReading | None = None  # what the last look found
        self._hint: Why | None = None
        self._wanted: Why | None = None
        self._steady = 0

    @property
    def in_sight(self) -> bool:
        """True when the last look found a zone."""
        return self.seen is not None and self.seen.zone is not None

    def see(self, frame: npt.NDArray[np.uint8], *, at_ms: int) -> tuple[PageEvent, ...]:
        """Take one frame, grey or BGR; `at_ms` is monotonic. Raises BadPictureError and RecogniserError."""
        grey = grey_of(frame)
        if self._may_rest(grey, at_ms):
            return ()
        self.seen = seen = read(grey, self._recogniser, any_rotation=False)
        events = self._follow(seen, at_ms)
        return (*events, *self._guide(self._hint_of(seen), at_ms))

    def _may_rest(self, grey: Grey, at_ms: int) -> bool:
        """True when the frame shows what the last one that was looked at did, and there is nothing left to find out."""
        thumb = cv2.resize(grey, THUMB_PX, interpolation=cv2.INTER_AREA).astype(np.float32)
        same = self._thumb is not None and float(np.abs(thumb - self._thumb).mean()) <= UNCHANGED_MAX
        settled = self._document is None or (self._document.settled and isinstance(self.seen, Reading))
        if same and settled and at_ms - self._looked_ms < LOOK_EVERY_MS:
            if self._document is not None:
                self._document.seen_ms = at_ms
            return True
        self._thumb, self._looked_ms = thumb, at_ms
        return False

    def _follow(self, seen: Reading | NoReading, at_ms: int) -> list[PageEvent]:
        """Presence, removal and acceptance."""
        events: list[PageEvent] = []
        document = self._document
        if seen.zone is None:
            if document is not None and document.is_gone(at_ms):
                self._document = None
                events.append(Removed(at_ms))
            return events
        if document is not None and isinstance(seen, Reading) and document.is_other(seen):
            document = None
            events.append(Removed(at_ms))
        if document is None:
            document = _Document()
            events.append(Present(at_ms))
        self._document = document
        document.follow(seen.zone, at_ms)
        if isinstance(seen, Reading):
            events += document.news_of(seen, at_ms)
        return events

    def _hint_of(self, seen: Reading | NoReading) -> Why | None:
        """The first thing to be told about this frame."""
        if self._document is None or seen.zone is None:
            return None
        if self._document.moving and not (isinstance(seen, Reading) and counts(seen)):
            return Why.MOVING
        return next(iter(seen.hints if isinstance(seen, Reading) else seen.reasons), None)

    def _guide(self, now: Why | None, at_ms: int) -> tuple[PageEvent, ...]:
        self._steady = self._steady + 1 if now is self._wanted else 1
        self._wanted = now
        if now is self._hint or self._steady < STEADY_FRAMES:
            return ()
        self._hint = now
        return (Hinted(now, at_ms),)


class _Document:
    """One document while it lies there."""

    def __init__(self) -> None:
        self.seen_ms = 0
        self.moving = False
        self._zone: Quad | None = None
        self._votes = Votes()
        self._text: tuple[str, ...] | None = None  # that was told
        self._accepted = False
        self._strangers = 0

    @property
    def settled(self) -> bool:
        """True once frames agreed on its text."""
        return self._text is not None

    def is_gone(self, at_ms: int) -> bool:
        """True when no look has found it for long."""
        return at_ms - self.seen_ms >= REMOVED_AFTER_MS

    def is_other(self, seen: Reading) -> bool:
        """True when `STRANGERS_MIN` frames running say that another document lies here than the one that was told.

        A reading that counts says so by any other text, a doubtful one only by a very different text of the same format: what is
        left of a zone under a hand is read as a shorter one.
        """
        if self._text is None:
            return False
        if counts(seen):
            stranger = seen.lines != self._text
        else:
            same_shape = [*map(len, seen.lines)] == [*map(len, self._text)]
            stranger = same_shape and unlike(self._text, seen.lines) > DOUBTFUL_CHARACTERS_MAX
        self._strangers = self._strangers + 1 if stranger else 0
        return self._strangers >= STRANGERS_MIN

    def follow(self, zone: Quad, at_ms: int) -> None:
        """Keep where it was seen, and when."""
        if self._zone is not None:
            moved_px = max(math.dist(before, after) for before, after in zip(self._zone, zone, strict=True))
            self.moving = moving(moved_px, math.dist(zone[0], zone[1]) / 40)
        self._zone, self.seen_ms = zone, at_ms

    def news_of(self, seen: Reading, at_ms: int) -> tuple[PageEvent, ...]:
        """Count a frame's reading; what is to be told now, for the first time."""
        if self._accepted:
            return ()
        if self._votes.cast(seen):
            self._accepted, self._text = True, seen.lines
            return (Accepted(seen, at_ms),)
        if self.settled or not self._votes.agreed:
            return ()
        self._text = seen.lines
        return (Agreed(seen, at_ms),)


def unlike(text: tuple[str, ...], other: tuple[str, ...]) -> int:
    """In how many characters two texts differ, those that only one of them has included."""
    one, two = "".join(text), "".join(other)
    return sum(a != b for a, b in zip(one, two, strict=False)) + abs(len(one) - len(two))
