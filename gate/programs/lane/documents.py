"""How documents come to the lane: from a serial reader, from vision's page source, or from both.

Whichever reads an MRZ opens a crossing with it; the newest one is kept for the crossing that it opens, and for no longer. The lane
has lost its reader when it has lost every one of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from gate.channel import messages
from gate.passage.events import DocumentPresented, DocumentRemoved, Event, PageGuided, Part, PartBack, PartLost
from gate.programs.shared.config import Config
from gate_core.evidence.screen import Guidance

CROSSING_BYTES = 16  # of its random name
VISA_KEPT_S = 60.0  # from a visa's page to the passport's own
VISAS = frozenset({"MRVA", "MRVB"})


SWIPE = "swipe"  # the reader that gives text alone

Post = Callable[[Event], None]


@dataclass(frozen=True, slots=True, repr=False)
class Presented:
    """A document as it was read; personal, so its repr shows nothing. `readings` are a serial reader's; those of a `page` stay in vision's page child."""

    readings: tuple[tuple[str, ...], ...]
    page: messages.PageRead | None = None
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
        """The documents of the configured readers."""
        readers = {SWIPE: config.swipe, PageListener.NAME: config.page}
        return cls(readers=frozenset(name for name, settings in readers.items() if settings is not None), post=post)

    def present(self, document: Presented) -> None:
        """A document lies there: it opens a crossing, or is presented again in the middle of one."""
        crossing = secrets.token_hex(CROSSING_BYTES)
        self._presented = {crossing: document}
        self._post(DocumentPresented(crossing))

    def take(self, crossing: str) -> Presented:
        """What opened a crossing; it is forgotten here. Without readings when nothing could be read."""
        return self._presented.pop(crossing, Presented(()))

    def forget(self, crossing: str) -> None:
        """Nobody will ask for what would have opened this crossing, or somebody has it."""
        self._presented.pop(crossing, None)

    def readers(self) -> dict[str, bool]:
        """Which readers there are, and whether each works."""
        return {reader: reader not in self._lost for reader in sorted(self._readers)}

    def reader_lost(self, reader: str) -> None:
        """One reader is gone."""
        self._lost.add(reader)
        if self._lost == self._readers:
            self._post(PartLost(Part.READER))

    def reader_back(self, reader: str) -> None:
        """One reader works."""
        self._lost.discard(reader)
        self._post(PartBack(Part.READER))


class PageListener:
    """Hears what vision says of the page source. `idle` says whether nobody is being served; `clock_s` is monotonic."""

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

    def hear(self, message: messages.FromPage) -> None:
        """Take one message."""
        match message:
            case messages.PageSource(None):
                self._documents.reader_back(self.NAME)
            case messages.PageSource():
                self._documents.reader_lost(self.NAME)
            case messages.PageHint(guidance):
                self._hint = guidance
                if self._shows_visa is None:
                    self._post(PageGuided(guidance))
            case messages.PageRead(page) if message.format in VISAS:
                # A visa's MRZ opens no chip: the passport's own page must follow.
                self._shows_visa = page
                self._visa_until_s = self._clock_s() + VISA_KEPT_S
                self._post(PageGuided(Guidance.PAGE_OPEN))
            case messages.PageRead():
                self._documents.present(Presented((), message, visa=self._take_visa()))
            case messages.PageStatus(gone=False):
                if self._idle():  # beside a crossing it is no document presented again, but a bag or a boarding card
                    self._documents.present(Presented(()))
            case messages.PageStatus(page):
                if page == self._shows_visa:
                    self._shows_visa = None
                    self._post(PageGuided(self._hint))
                self._post(DocumentRemoved())

    def _take_visa(self) -> bool:
        shown = self._clock_s() < self._visa_until_s
        self._visa_until_s = 0.0
        return shown
