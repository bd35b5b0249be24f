"""Reads the frames of a document camera: frames and their times in, the current state out.

A frame equal to the one before costs little, but every `LOOK_EVERY_MS` one is examined anyway. A page that was read is reported only once while
it is there (`Resting`). It may be lifted and change hands; its later position shows this: nobody lays a page down again within a millimetre.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from gate.page.picture.objections import counts, moving
from gate.page.picture.reader import grey_of, read
from gate.page.stream.votes import Votes
from gate.page.values import Floats, Grey, NoReading, Pixels, Quad, Reading, Recogniser, Why

REMOVED_AFTER_MS = 500  # without an MRZ: a hand over the page for a moment is no removal
LOOK_EVERY_MS = 400
STEADY_FRAMES = 2  # a new hint is shown after this many consecutive frames
STRANGERS_MIN = 2
DOUBTFUL_CHARACTERS_MAX = 8  # a doubtful reading of the accepted page differs from it by less
THUMB_PX = (48, 36)
PUSHED_PITCHES_MAX = 4.0  # from one look to the next; a pitch is 2.54 mm
LAID_PITCHES_MAX = 0.5  # once it was out of sight
HIDDEN_MAX_MS = 2_000
UNCHANGED_MAX = 3.0  # grey values between thumbs, mean: sensor noise and flicker stay below, a moved page does not


@dataclass(frozen=True, slots=True)
class State:
    """The result of a camera's frames so far.

    `found`: result of the last look. `document`: number of the document with an MRZ that is there, None without one;
    the next one has the next number. `reading`: its text on which frames agree; `accepted`: it meets the whole
    acceptance rule; otherwise nothing changed between the frames, and the chip may confirm it. `hint`: what would
    improve the next frame, or None.
    """

    found: Reading | NoReading | None = None
    document: int | None = None
    reading: Reading | None = None
    accepted: bool = False
    hint: Why | None = None

    @property
    def in_sight(self) -> bool:
        """True if the last look found an MRZ."""
        return self.found is not None and self.found.place is not None


class LiveReader:
    """The frames of one camera."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self._state = State()
        self._thumb: Floats | None = None
        self._looked_ms = 0
        self._document: _Document | None = None
        self._documents = 0
        self._hint: Why | None = None
        self._wanted: Why | None = None
        self._steady = 0

    def see(self, frame: Pixels, *, at_ms: int) -> State:
        """Take one frame, grey or BGR; `at_ms` is monotonic. Raises BadPictureError and RecogniserError."""
        grey = grey_of(frame)
        if self._may_rest(grey, at_ms):
            return self._state
        found = read(grey, self._recogniser, any_rotation=False)
        self._follow(found, at_ms)
        wanted = self._hint_of(found)
        self._steady = self._steady + 1 if wanted is self._wanted else 1
        self._wanted = wanted
        if self._steady >= STEADY_FRAMES:
            self._hint = wanted
        document = self._document
        self._state = State(found, hint=self._hint)
        if document is not None:
            self._state = State(found, document.number, document.reading, document.accepted, self._hint)
        return self._state

    def _may_rest(self, grey: Grey, at_ms: int) -> bool:
        """True if the frame equals the last examined one, and nothing is left to determine."""
        thumb = cv2.resize(grey, THUMB_PX, interpolation=cv2.INTER_AREA).astype(np.float32)
        same = self._thumb is not None and float(np.abs(thumb - self._thumb).mean()) <= UNCHANGED_MAX
        settled = self._document is None or (
            self._document.reading is not None and isinstance(self._state.found, Reading)
        )
        if same and settled and at_ms - self._looked_ms < LOOK_EVERY_MS:
            if self._document is not None:
                self._document.seen_ms = at_ms
            return True
        self._thumb, self._looked_ms = thumb, at_ms
        return False

    def _follow(self, found: Reading | NoReading, at_ms: int) -> None:
        """Update presence, removal and acceptance."""
        if found.place is None:
            if self._document is not None and at_ms - self._document.seen_ms >= REMOVED_AFTER_MS:
                self._document = None
            return
        document = self._document
        if document is None or (isinstance(found, Reading) and document.is_other(found)):
            self._documents += 1
            document = self._document = _Document(self._documents)
        document.follow(found.place, at_ms)
        if isinstance(found, Reading):
            document.count(found)

    def _hint_of(self, found: Reading | NoReading) -> Why | None:
        """Return the most important hint for this frame."""
        if self._document is None or found.place is None:
            return None
        if self._document.moving and not (isinstance(found, Reading) and counts(found)):
            return Why.MOVING
        return next(iter(found.hints if isinstance(found, Reading) else found.reasons), None)


class _Document:
    """One document on the bed."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.reading: Reading | None = None  # that frames agree on
        self.accepted = False
        self.seen_ms = 0
        self.moving = False
        self._place: Quad | None = None
        self._votes = Votes()
        self._strangers = 0

    def is_other(self, seen: Reading) -> bool:
        """True if `STRANGERS_MIN` consecutive frames show another document than the agreed one.

        A reading that counts shows this by any other text, a doubtful one only by a very different text of the same
        format: an MRZ partly under a hand is read as a shorter one.
        """
        if self.reading is None:
            return False
        text = self.reading.lines
        if counts(seen):
            stranger = seen.lines != text
        else:
            same_shape = [*map(len, seen.lines)] == [*map(len, text)]
            stranger = same_shape and unlike(text, seen.lines) > DOUBTFUL_CHARACTERS_MAX
        self._strangers = self._strangers + 1 if stranger else 0
        return self._strangers >= STRANGERS_MIN

    def follow(self, place: Quad, at_ms: int) -> None:
        """Store its position and time."""
        if self._place is not None:
            moved_px = max(math.dist(before, after) for before, after in zip(self._place, place, strict=True))
            self.moving = moving(moved_px, math.dist(place[0], place[1]) / 40)
        self._place, self.seen_ms = place, at_ms

    def count(self, seen: Reading) -> None:
        """Count a frame's reading."""
        if self.accepted:
            return
        self.accepted = self._votes.cast(seen)
        if self.accepted or (self.reading is None and self._votes.agreed):
            self.reading = seen


def unlike(text: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Return the number of characters that differ, including those that only one text has."""
    one, two = "".join(text), "".join(other)
    return sum(a != b for a, b in zip(one, two, strict=False)) + abs(len(one) - len(two))


class Resting:
    """One page at its position, from its reported reading on."""

    def __init__(self, reading: Reading, at_ms: int) -> None:
        self.text = reading.lines
        self._geometry = reading.geometry
        self._hidden = False
        self._seen_ms = at_ms

    def left(self, seen: Reading | NoReading, *, at_ms: int) -> bool:
        """Take the latest look; True if the page is no longer known to be at its position."""
        if not isinstance(seen, Reading) or unlike(self.text, seen.lines) > DOUBTFUL_CHARACTERS_MAX:
            self._hidden = True
            return at_ms - self._seen_ms >= HIDDEN_MAX_MS
        first, now = self._geometry.lines[0], seen.geometry.lines[0]
        moved = max(math.dist(first.start, now.start), math.dist(first.end, now.end)) / self._geometry.pitch_px
        if moved > (LAID_PITCHES_MAX if self._hidden else PUSHED_PITCHES_MAX):
            return True
        self._geometry, self._hidden, self._seen_ms = seen.geometry, False, at_ms
        return False
