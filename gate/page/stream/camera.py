"""A document camera in permanent use: frames and their times in, events out: arrival, reading or its failure, guidance, removal.

`gate.page.stream.live` reads and votes; this module handles things without an MRZ, a reading that never becomes certain (reported as doubtful:
only the chip can confirm it), and a time limit. The frame is compared with the empty bed (`Bed`): the first frame shows it, and a thing that
stays unread and unmoved for long becomes part of its look, so that a forgotten leaflet or other lighting is not a document for ever.
"""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from gate.page.picture.portrait import crop_portrait
from gate.page.picture.reader import grey_of, read
from gate.page.stream.live import LiveReader, Resting, State
from gate.page.values import Advised, Event, Floats, Gone, Grey, Pixels, Read, Reading, Recogniser, Unread, Why

GONE_FRAMES = 2  # so many running that show the empty bed: the next traveller's page may come quickly
WITHOUT_MRZ_AFTER_MS = 1_000  # reported after this time; the hand that lays the page is not reported
DOUBT_AFTER_MS = 4_000  # after this time an MRZ that is not accepted will not improve
DOUBT_EVERY_MS = 1_000
UNREAD_AFTER_MS = 10_000
TURN_EVERY_MS = 2_000  # the search for a page that lies across costs some 400 ms
THUMB_PX = (32, 24)
DIFFERENT_MIN = 8.0  # grey values, mean over the picture: a card of a tenth of it differs by more, noise by less
STILL_MAX = 3.0
LOOKS_MAX = 2  # the bed with and without what was forgotten on it
LEARNED_AFTER_MS = 30_000
DRIFT = 0.02  # share of a frame of the empty bed that updates its look: daylight changes


@dataclass(slots=True)
class _Visit:
    """One page on the bed."""

    page: int
    since_ms: int
    empty_frames: int = 0
    given_up: bool = False
    resting: Resting | None = None  # once it was read
    in_sight_ms: int | None = None  # since when its MRZ is in sight
    looked_ms: int = 0
    across: bool = False

    @property
    def settled(self) -> bool:
        """True if it was read, or given up."""
        return self.given_up or self.resting is not None


class CameraStream:
    """The frames of one camera. Pages are counted from `first_page`."""

    def __init__(self, recogniser: Recogniser, *, first_page: int = 1) -> None:
        self.next_page = first_page
        self._recogniser = recogniser
        self._live = LiveReader(recogniser)
        self._bed = Bed()
        self._visit: _Visit | None = None
        self._state = State()
        self._advised: Why | None = None

    def see(self, frame: Pixels, *, at_ms: int) -> tuple[Event, ...]:
        """Take one frame, grey or BGR; `at_ms` is monotonic. Raises BadPictureError and RecogniserError."""
        grey = grey_of(frame)
        before, self._state = self._state.document, self._live.see(grey, at_ms=at_ms)
        events: list[Event] = []
        resting, found = None if self._visit is None else self._visit.resting, self._state.found
        # A page that was read and may have left: whatever is there now is presented anew.
        if resting is not None and found is not None and resting.left(found, at_ms=at_ms):
            events += self._leave_at_once()
            self._state = self._live.see(grey, at_ms=at_ms)
        elif before not in (None, self._state.document):
            events += self._leave(only_settled=True)
        occupied = self._bed.occupied(grey, at_ms=at_ms, has_mrz=self._state.in_sight, had_mrz=self._has_mrz)
        events += self._follow(occupied=occupied, at_ms=at_ms)
        if self._state.reading is not None:
            events += self._tell(self._state.reading, frame, at_ms)
        elif (visit := self._visit) is not None and not visit.settled:
            events += self._work(visit, frame, grey, at_ms)
        advised, self._advised = self._advised, self._wanted(at_ms)
        return tuple(events) if self._advised is advised else (*events, Advised(self._advised))

    @property
    def _has_mrz(self) -> bool:
        """True while a document with an MRZ is on the bed, even under a hand."""
        return self._state.document is not None

    def _follow(self, *, occupied: bool, at_ms: int) -> tuple[Event, ...]:
        """Detect a page, and since when its MRZ is in sight."""
        if self._visit is None and occupied:
            self._arrive(at_ms)
        if (visit := self._visit) is None:
            return ()
        visit.empty_frames = 0 if occupied else visit.empty_frames + 1
        if visit.empty_frames >= GONE_FRAMES:
            return self._leave_at_once()
        if not self._has_mrz:
            visit.in_sight_ms = None
        elif visit.in_sight_ms is None:
            visit.in_sight_ms = at_ms
        return ()

    def _arrive(self, at_ms: int) -> _Visit:
        self._visit = visit = _Visit(self.next_page, at_ms)
        self.next_page += 1
        return visit

    def _leave(self, *, only_settled: bool = False) -> tuple[Event, ...]:
        """The page is gone. An unread one may only have a finger on its MRZ."""
        visit = self._visit
        if visit is None or (only_settled and not visit.settled):
            return ()
        self._visit = None
        return (Gone(visit.page),)

    def _leave_at_once(self) -> tuple[Event, ...]:
        """The page is gone, and the next one has none of its votes."""
        self._live, self._state = LiveReader(self._recogniser), State()
        return self._leave()

    def _tell(self, reading: Reading, frame: Pixels, at_ms: int) -> tuple[Event, ...]:
        """Report a reading on which frames agree, once: of this page, or of one that replaced a page already reported."""
        visit = self._visit
        if visit is not None and visit.resting is not None and visit.resting.text == reading.lines:
            return ()
        gone = self._leave() if visit is not None and visit.settled else ()
        visit = self._visit or self._arrive(at_ms)
        visit.resting = Resting(reading, at_ms)
        return (*gone, Read(visit.page, reading, self._state.accepted, crop_portrait(frame, reading)))

    def _work(self, visit: _Visit, frame: Pixels, grey: Grey, at_ms: int) -> tuple[Event, ...]:
        """Determine what is still unknown about a page."""
        doubtful = self._doubtful(visit, grey, at_ms)
        if doubtful is not None:
            visit.resting = Resting(doubtful, at_ms)
            return (Read(visit.page, doubtful, False, crop_portrait(frame, doubtful)),)
        if not self._has_mrz:
            self._look_across(visit, grey, at_ms)
        if at_ms - visit.since_ms >= UNREAD_AFTER_MS:
            visit.given_up = True
            return (Unread(visit.page),)
        return ()

    def _doubtful(self, visit: _Visit, grey: Grey, at_ms: int) -> Reading | None:
        """Return the best reading of a still page that is not accepted, if its check digits hold: the chip may confirm it."""
        waited = visit.in_sight_ms is not None and at_ms - visit.in_sight_ms >= DOUBT_AFTER_MS
        if not waited or self._state.hint is Why.MOVING or at_ms - visit.looked_ms < DOUBT_EVERY_MS:
            return None
        visit.looked_ms = at_ms
        seen = read(grey, self._recogniser, any_rotation=False)
        return seen if isinstance(seen, Reading) and seen.check_digits_hold and not seen.crowded else None

    def _look_across(self, visit: _Visit, grey: Grey, at_ms: int) -> None:
        """Check for a rotated page, which frames are not searched for."""
        if at_ms - visit.since_ms < WITHOUT_MRZ_AFTER_MS or at_ms - visit.looked_ms < TURN_EVERY_MS:
            return
        visit.looked_ms = at_ms
        visit.across = isinstance(read(grey, self._recogniser), Reading)

    def _wanted(self, at_ms: int) -> Why | None:
        visit = self._visit
        if visit is None or (visit.settled and self._has_mrz):
            return None
        if self._has_mrz:
            return self._state.hint
        if at_ms - visit.since_ms < WITHOUT_MRZ_AFTER_MS:
            return None
        return Why.UPSIDE_DOWN if visit.across else Why.NO_MRZ


class Bed:
    """One camera's views of its empty bed."""

    def __init__(self) -> None:
        self._looks: deque[Floats] = deque(maxlen=LOOKS_MAX)
        self._last: Floats | None = None
        self._still_since_ms = 0

    def occupied(self, frame: Grey, *, at_ms: int, has_mrz: bool, had_mrz: bool = False) -> bool:
        """Take one frame; True if something is on the bed.

        A frame with `has_mrz` shows a document, whatever the bed's look. With `had_mrz` a moment ago, a hand hides it
        or it left: only the known looks of the bed decide, and the frame does not become a new one.
        """
        thumb = cv2.resize(frame, THUMB_PX, interpolation=cv2.INTER_AREA).astype(np.float32)
        still = self._last is not None and _distance(thumb, self._last) <= STILL_MAX
        self._last = thumb
        if has_mrz or had_mrz or not still:
            self._still_since_ms = at_ms
        if has_mrz or (had_mrz and not self._looks):
            return True
        if not self._looks:
            self._looks.append(thumb)
        nearest = min(self._looks, key=lambda look: _distance(thumb, look))
        if _distance(thumb, nearest) < DIFFERENT_MIN:
            nearest += DRIFT * (thumb - nearest)
            self._still_since_ms = at_ms  # what comes now counts from here, however softly it comes
            return False
        if at_ms - self._still_since_ms >= LEARNED_AFTER_MS:
            self._looks.append(thumb)
            return False
        return True


def _distance(one: Floats, other: Floats) -> float:
    return float(np.abs(one - other).mean())
