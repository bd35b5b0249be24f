"""The page that is shown now and the colours that it shines at the face, for every browser that watches.

A state that equals the one before is not sent again (safety invariant 13). Colours are pale and change three times a second at most, so that
nothing flashes (WCAG 2.3.1).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from gate.screens.kiosk.view import PageState
from gate_core.web_pages.fanout import Fanout, Latest

PAGES_MAX = 8  # the kiosk's browser, a technician's, and room for reloads
PAINTED_S_MAX: Final = 3.5  # a page speaks once a second, and within 50 ms of a state


class Painting:
    """What the open pages say that they have painted, after each state and each beat. Times are of any one clock, in seconds.

    A page whose script has stopped, whose display is gone, or that is stuck with an older state says nothing that counts. Where none ever
    painted, there is none to miss: the display may be elsewhere.
    """

    def __init__(self) -> None:
        self._painted_s: float | None = None

    def seen(self, event: str, *, newest: str, at_s: float) -> None:
        """A page has painted the state of this event; only the `newest` counts."""
        if event == newest:
            self._painted_s = at_s

    def close(self) -> None:
        """The page was closed or hidden on purpose: there is none to miss until one paints again."""
        self._painted_s = None

    def is_painted(self, now_s: float) -> bool | None:
        """True while a page shows what it should, False when the one that did does no more, None when there never was one."""
        return None if self._painted_s is None else now_s - self._painted_s <= PAINTED_S_MAX


class Board:
    """Holds the newest state, which is shown, and numbers it. `boot` is new at each start, so that a page knows when to reload."""

    def __init__(self, *, boot: str, state: PageState, pages_max: int = PAGES_MAX) -> None:
        self.boot = boot
        self.state = state
        self._seq = 0
        self._pages: Fanout[bytes] = Fanout(clients_max=pages_max)

    @property
    def event_id(self) -> str:
        """What a page calls the state that is shown, once it has painted it."""
        return f"{self.boot}-{self._seq}"

    @property
    def pages(self) -> int:
        """How many browsers watch."""
        return self._pages.clients

    @property
    def is_full(self) -> bool:
        """True when no browser more can watch."""
        return self._pages.is_full

    def show(self, state: PageState) -> None:
        """Show a page to everyone, unless it is shown already."""
        if state == self.state:
            return
        self.state = state
        self._seq += 1
        self._pages.send(self._event())

    @contextlib.contextmanager
    def watch(self) -> Iterator[Latest[bytes]]:
        """A mailbox of server-sent events that starts with the whole state. Raises FullError and EndedError."""
        with self._pages.join() as mailbox:
            mailbox.put(self._event())
            yield mailbox

    def close(self) -> None:
        """End every page's stream."""
        self._pages.close()

    def _event(self) -> bytes:
        payload = json.dumps({"boot": self.boot, **self.state.as_json()}, separators=(",", ":"))
        return f"id: {self.event_id}\nevent: state\ndata: {payload}\n\n".encode()


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
