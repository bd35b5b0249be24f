"""Documents presented to the lane, by a serial reader, vision's page source, or both.

Each MRZ opens a crossing. Only the newest document is kept, until its crossing takes it. The lane has lost its reader
when every reader is lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from gate.channel import vision_messages
from gate.passage.events import DocumentPresented, DocumentRemoved, Event, PageGuided, Part, PartBack, PartLost
from gate.programs.shared.config import Config
from gate_core.evidence.screen import Guidance

CROSSING_BYTES = 16  # of its random id
VISA_KEPT_S = 60.0  # from a visa's page to the passport's data page
VISAS = frozenset({"MRVA", "MRVB"})


SWIPE = "swipe"  # the serial reader

Post = Callable[[Event], None]


@dataclass(frozen=True, slots=True, repr=False)
class Presented:
    """A presented document; personal, so without repr. `readings`: a serial reader's; a page child keeps its own."""

    readings: tuple[tuple[str, ...], ...]
    page: vision_messages.PageRead | None = None
    visa: bool = False


class Documents:
    """Opens crossings, and keeps each one's document until the crossing takes it."""

    def __init__(self, *, readers: frozenset[str], post: Post) -> None:
        self._readers = readers
        self._lost: set[str] = set()
        self._post = post
        self._presented: dict[str, Presented] = {}

    @classmethod
    def of(cls, config: Config, *, post: Post) -> Documents:
        """Build the object for the configured readers."""
        readers = {SWIPE: config.swipe, PageListener.NAME: config.page}
        return cls(readers=frozenset(name for name, settings in readers.items() if settings is not None), post=post)

    def present(self, document: Presented) -> None:
        """Open a crossing with this document; in a running one, it counts as presented again."""
        crossing = secrets.token_hex(CROSSING_BYTES)
        self._presented = {crossing: document}
        self._post(DocumentPresented(crossing))

    def take(self, crossing: str) -> Presented:
        """Return and forget the crossing's document; without readings if nothing was read."""
        return self._presented.pop(crossing, Presented(()))

    def forget(self, crossing: str) -> None:
        """Forget the crossing's document: it is not needed, or already taken."""
        self._presented.pop(crossing, None)

    def readers(self) -> dict[str, bool]:
        """Return each reader's name, and True if it works."""
        return {reader: reader not in self._lost for reader in sorted(self._readers)}

    def reader_lost(self, reader: str) -> None:
        """Note that a reader is lost."""
        self._lost.add(reader)
        if self._lost == self._readers:
            self._post(PartLost(Part.READER))

    def reader_back(self, reader: str) -> None:
        """Note that a reader works."""
        self._lost.discard(reader)
        self._post(PartBack(Part.READER))


class PageListener:
    """Handles messages of the page source. `idle`: True if no traveller is being served. `clock_s`: monotonic."""

    NAME = "page"

    def __init__(
        self, documents: Documents, *, post: Post, idle: Callable[[], bool], clock_s: Callable[[], float]
    ) -> None:
        self._documents = documents
        self._idle = idle
        self._post = post
        self._clock_s = clock_s
        self._visa_until_s = 0.0
        self._shows_visa: int | None = None
        self._hint = Guidance.NONE

    def hear(self, message: vision_messages.FromPage) -> None:
        """Handle one message."""
        match message:
            case vision_messages.PageSource(None):
                self._documents.reader_back(self.NAME)
            case vision_messages.PageSource():
                self._documents.reader_lost(self.NAME)
            case vision_messages.PageHint(guidance):
                self._hint = guidance
                if self._shows_visa is None:
                    self._post(PageGuided(guidance))
            case vision_messages.PageRead(page) if message.format in VISAS:
                # A visa's MRZ opens no chip: the passport's data page must follow.
                self._shows_visa = page
                self._visa_until_s = self._clock_s() + VISA_KEPT_S
                self._post(PageGuided(Guidance.PAGE_OPEN))
            case vision_messages.PageRead():
                self._documents.present(Presented((), message, visa=self._take_visa()))
            case vision_messages.PageStatus(gone=False):
                if self._idle():  # during a crossing it may be a bag or boarding card
                    self._documents.present(Presented(()))
            case vision_messages.PageStatus(page):
                if page == self._shows_visa:
                    self._shows_visa = None
                    self._post(PageGuided(self._hint))
                self._post(DocumentRemoved())

    def _take_visa(self) -> bool:
        shown = self._clock_s() < self._visa_until_s
        self._visa_until_s = 0.0
        return shown
