"""Watches the bed of a document camera for a gate: what came, what it says or why not, what to do about it, when it left.

Frames and their times in, events out. `gate.page.live` reads and votes; here is what it leaves open: things without a zone, a
reading that never gets sure, and an end to waiting. A doubtful reading, and one that frames agree on while nothing changes between
them, is told as such: only the chip can confirm it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gate.page.bed import Bed
from gate.page.live import Accepted, Agreed, Hinted, LiveReader, Present, Removed
from gate.page.portrait import crop_portrait
from gate.page.reader import grey_of, read
from gate.page.resting import Resting
from gate.page.values import Reading, Why

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gate.page.values import Grey, Recogniser

GONE_FRAMES = 2  # so many running that show the empty bed: the next traveller's page may come quickly
UNZONED_AFTER_MS = 1_000  # so long without a zone is told; the hand that lays the page is not
DOUBT_AFTER_MS = 4_000  # a zone that is not accepted by then is read as well as can be
DOUBT_EVERY_MS = 1_000
UNREAD_AFTER_MS = 10_000
TURN_EVERY_MS = 2_000  # the search for a page that lies across costs some 400 ms


@dataclass(frozen=True, slots=True)
class Read:
    """A zone was read, by the whole acceptance rule or not. `portrait` is its part of the page, None where there is none."""

    page: int
    reading: Reading
    accepted: bool
    portrait: npt.NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Unread:
    """Something lies there for long and cannot be read. Given once."""

    page: int


@dataclass(frozen=True, slots=True)
class Advised:
    """What would make the page readable, None when nothing does; given when it changes."""

    why: Why | None


@dataclass(frozen=True, slots=True)
class Gone:
    """The page left, or another one took its place."""

    page: int


Event = Read | Unread | Advised | Gone


@dataclass(slots=True)
class _Visit:
    """One page while it lies there."""

    page: int
    since_ms: int
    empty_frames: int = 0
    given_up: bool = False
    resting: Resting | None = None  # once it was read
    zoned_ms: int | None = None  # since when its zone is in sight
    looked_ms: int = 0
    across: bool = False

    @property
    def settled(self) -> bool:
        """True when it was read, or given up."""
        return self.given_up or self.resting is not None


class Watch:
    """The state of one camera. Pages are counted from `first_page`."""

    def __init__(self, recogniser: Recogniser, *, first_page: int = 1) -> None:
        self.next_page = first_page
        self._recogniser = recogniser
        self._live = LiveReader(recogniser)
        self._bed = Bed()
        self._visit: _Visit | None = None
        self._has_zone = False
        self._hint: Why | None = None
        self._advised: Why | None = None

    def see(self, frame: npt.NDArray[np.uint8], *, at_ms: int) -> tuple[Event, ...]:
        """Take one frame, grey or BGR; `at_ms` is monotonic. Raises BadPictureError and RecogniserError."""
        grey = grey_of(frame)
        seen = self._live.see(grey, at_ms=at_ms)
        events: list[Event] = []
        if self._was_taken_up(at_ms):
            events += self._leave_at_once()
            seen = self._live.see(grey, at_ms=at_ms)
        told: Reading | None = None
        accepted = False
        for event in seen:
            match event:
                case Present():
                    self._has_zone = True
                case Removed():
                    self._has_zone = False
                    events += self._leave(only_settled=True)
                case Hinted(why):
                    self._hint = why
                case Accepted(reading) | Agreed(reading):
                    told, accepted = reading, isinstance(event, Accepted)
        occupied = self._bed.occupied(grey, at_ms=at_ms, has_zone=self._live.in_sight, had_zone=self._has_zone)
        events += self._follow(occupied=occupied, at_ms=at_ms)
        if told is not None:
            events += self._tell(told, frame, at_ms, accepted=accepted)
        elif (visit := self._visit) is not None and not visit.settled:
            events += self._work(visit, frame, grey, at_ms)
        return (*events, *self._advise(at_ms))

    def _was_taken_up(self, at_ms: int) -> bool:
        """True when a page that was read is not known to lie there still: whatever lies there is presented anew."""
        resting = None if self._visit is None else self._visit.resting
        found = self._live.seen
        return resting is not None and found is not None and resting.left(found, at_ms=at_ms)

    def _follow(self, *, occupied: bool, at_ms: int) -> tuple[Event, ...]:
        """Whether there is a page, and since when its zone is in sight."""
        if self._visit is None and occupied:
            self._arrive(at_ms)
        if (visit := self._visit) is None:
            return ()
        visit.empty_frames = 0 if occupied else visit.empty_frames + 1
        if visit.empty_frames >= GONE_FRAMES:
            return self._leave_at_once()
        if not self._has_zone:
            visit.zoned_ms = None
        elif visit.zoned_ms is None:
            visit.zoned_ms = at_ms
        return ()

    def _arrive(self, at_ms: int) -> _Visit:
        self._visit = visit = _Visit(self.next_page, at_ms)
        self.next_page += 1
        return visit

    def _leave(self, *, only_settled: bool = False) -> tuple[Event, ...]:
        """The page is gone. One that was not read may have lost its zone to a finger only."""
        visit = self._visit
        if visit is None or (only_settled and not visit.settled):
            return ()
        self._visit = None
        return (Gone(visit.page),)

    def _leave_at_once(self) -> tuple[Event, ...]:
        """The page is gone, and what comes has nothing of its votes."""
        self._live, self._has_zone, self._hint = LiveReader(self._recogniser), False, None
        return self._leave()

    def _tell(self, reading: Reading, frame: npt.NDArray[np.uint8], at_ms: int, *, accepted: bool) -> tuple[Event, ...]:
        """A reading that frames agree on: of this page, or of one that took the place of a page that was told already."""
        visit = self._visit
        if visit is not None and visit.resting is not None and visit.resting.text == reading.lines:
            return ()
        gone = self._leave() if visit is not None and visit.settled else ()
        visit = self._visit or self._arrive(at_ms)
        visit.resting = Resting(reading, at_ms)
        return (*gone, Read(visit.page, reading, accepted, crop_portrait(frame, reading)))

    def _work(self, visit: _Visit, frame: npt.NDArray[np.uint8], grey: Grey, at_ms: int) -> tuple[Event, ...]:
        """What is still to be found out about a page."""
        doubtful = self._doubtful(visit, grey, at_ms)
        if doubtful is not None:
            visit.resting = Resting(doubtful, at_ms)
            return (Read(visit.page, doubtful, False, crop_portrait(frame, doubtful)),)
        if not self._has_zone:
            self._look_across(visit, grey, at_ms)
        if at_ms - visit.since_ms >= UNREAD_AFTER_MS:
            visit.given_up = True
            return (Unread(visit.page),)
        return ()

    def _doubtful(self, visit: _Visit, grey: Grey, at_ms: int) -> Reading | None:
        """The best reading of a page that lies still and is not accepted, if its check digits hold: the chip may confirm it."""
        waited = visit.zoned_ms is not None and at_ms - visit.zoned_ms >= DOUBT_AFTER_MS
        if not waited or self._hint is Why.MOVING or at_ms - visit.looked_ms < DOUBT_EVERY_MS:
            return None
        visit.looked_ms = at_ms
        seen = read(grey, self._recogniser, any_rotation=False)
        return seen if isinstance(seen, Reading) and seen.check_digits_hold and not seen.crowded else None

    def _look_across(self, visit: _Visit, grey: Grey, at_ms: int) -> None:
        """See whether it is a page that lies across, which frames are not searched for."""
        if at_ms - visit.since_ms < UNZONED_AFTER_MS or at_ms - visit.looked_ms < TURN_EVERY_MS:
            return
        visit.looked_ms = at_ms
        visit.across = isinstance(read(grey, self._recogniser), Reading)

    def _advise(self, at_ms: int) -> tuple[Event, ...]:
        why = self._wanted(at_ms)
        if why is self._advised:
            return ()
        self._advised = why
        return (Advised(why),)

    def _wanted(self, at_ms: int) -> Why | None:
        visit = self._visit
        if visit is None or (visit.settled and self._has_zone):
            return None
        if self._has_zone:
            return self._hint
        if at_ms - visit.since_ms < UNZONED_AFTER_MS:
            return None
        return Why.UPSIDE_DOWN if visit.across else Why.NO_ZONE
