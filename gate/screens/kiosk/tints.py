"""The colours that the page shines at the face beside the camera, and whether every open page has painted them.

Vision draws them one by one; here is only what a page may show: pale colours, and no more than three changes a second, so that nothing
flashes (WCAG 2.3.1) and the text can be read. Each page answers when it has painted; one that went away in between never does.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from gate_core.web_pages.fanout import Fanout, Latest

LUMINANCE_MIN: Final = 0.80  # no change between two colours as bright is a flash
CHANGE_MS_MIN: Final = 340


@dataclass(frozen=True, slots=True)
class Tint:
    """A colour `#rrggbb` and its number, which a page says when it has painted it."""

    number: int
    colour: str

    def as_json(self) -> str:
        """The tint as the browser receives it."""
        return json.dumps({"number": self.number, "colour": self.colour}, separators=(",", ":"))


class Tints:
    """What the open pages are to be coloured. `on_painted` gets the number of a tint that all of them have painted."""

    def __init__(self, *, pages_max: int, on_painted: Callable[[int], None]) -> None:
        self._pages: Fanout[Tint] = Fanout(clients_max=pages_max)
        self._on_painted = on_painted
        self._open: set[Latest[Tint]] = set()
        self._waiting: set[Latest[Tint]] = set()
        self._now: Tint | None = None
        self._since_ms: float | None = None

    def begin(self) -> None:
        """Another traveller looks, and nothing is shown yet: the camera's own challenge needs a light that stays."""
        self._now, self._since_ms = None, None
        self._waiting = set()

    def show(self, tint: Tint, *, at_ms: float) -> bool:
        """Have every page show a colour. False for one that is not pale or comes too soon: it is not shown."""
        if luminance(tint.colour) < LUMINANCE_MIN:
            return False
        if self._since_ms is not None and at_ms - self._since_ms < CHANGE_MS_MIN:
            return False
        self._now, self._since_ms = tint, at_ms
        self._waiting = set(self._open)
        self._pages.send(tint)
        return True

    def painted(self, page: Latest[Tint], number: int) -> None:
        """A page has painted a tint."""
        if self._now is None or number != self._now.number or page not in self._waiting:
            return
        self._waiting.discard(page)
        if not self._waiting:
            self._on_painted(number)

    @contextlib.contextmanager
    def page(self) -> Iterator[Latest[Tint]]:
        """A page's mailbox of tints, which begins with what is shown now, if anything is. Raises FullError and EndedError."""
        with self._pages.join() as mailbox:
            self._open.add(mailbox)
            if self._now is not None:
                mailbox.put(self._now)
            try:
                yield mailbox
            finally:
                self._open.discard(mailbox)

    def close(self) -> None:
        """End every page's tints; none can join any more."""
        self._pages.close()


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2)."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)
