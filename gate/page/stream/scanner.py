"""Reads single pictures of pages from a scanner's service: each as a whole, in any rotation. Pictures, removals and times in, events out.

One picture cannot meet the acceptance rule, which requires the same text twice. Its reading is reported as doubtful, for the chip to
confirm, unless a second picture of the page, in another position or light, gives the same text.
"""

from gate.page.picture.portrait import crop_portrait
from gate.page.picture.reader import read
from gate.page.stream.votes import Votes
from gate.page.values import Advised, Event, Gone, NoReading, Pixels, Read, Reading, Recogniser, Unread

SECOND_MAX_MS = 400  # a service that takes two pictures of a page drops the second one so soon
UNREAD_AFTER_MS = 15_000  # without a picture that can be read


class ScannerStream:
    """The state of one scanner. Pages are counted from `first_page`."""

    def __init__(self, recogniser: Recogniser, *, first_page: int = 1) -> None:
        self.next_page = first_page
        self._recogniser = recogniser
        self._page: int | None = None
        self._since_ms = 0
        self._settled = False
        self._votes = Votes()
        self._best: Read | None = None
        self._best_ms = 0

    def see(self, picture: Pixels, *, at_ms: int) -> tuple[Event, ...]:
        """Take one picture, grey or BGR; `at_ms` is monotonic. Raises BadPictureError and RecogniserError."""
        gone = self.removed() if self._settled else ()
        if self._page is None:
            self._page, self._since_ms = self.next_page, at_ms
            self.next_page += 1
        seen = read(picture, self._recogniser)
        if isinstance(seen, NoReading):
            return (*gone, Advised(seen.reason))
        return (*gone, *self._take(self._page, picture, seen, at_ms))

    def tick(self, *, at_ms: int) -> tuple[Event, ...]:
        """Advance the time: report the doubtful reading that no second picture confirmed, or that nothing could be read."""
        if self._page is None or self._settled:
            return ()
        if self._best is not None:
            if at_ms - self._best_ms < SECOND_MAX_MS:
                return ()
            self._settled = True
            return (Advised(None), self._best)
        if at_ms - self._since_ms < UNREAD_AFTER_MS:
            return ()
        self._settled = True
        return (Advised(None), Unread(self._page))

    def removed(self) -> tuple[Event, ...]:
        """The page was taken away."""
        page, self._page = self._page, None
        self._settled, self._votes, self._best = False, Votes(), None
        return () if page is None else (Advised(None), Gone(page))

    def _take(self, page: int, picture: Pixels, reading: Reading, at_ms: int) -> tuple[Event, ...]:
        accepted = self._votes.cast(reading)
        if self._votes.agreed:
            self._settled = True
            return (Advised(None), Read(page, reading, accepted, crop_portrait(picture, reading)))
        if not reading.check_digits_hold or reading.crowded:
            return (Advised(next(iter(reading.hints), None)),)
        self._best, self._best_ms = Read(page, reading, False, crop_portrait(picture, reading)), at_ms
        return ()
