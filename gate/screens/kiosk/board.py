"""The current page and its colours for the face, for every connected browser.

A state equal to the one before is not sent again (safety invariant 13). Colours are pale and change at most three times
a second, so that nothing flashes (WCAG 2.3.1).
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
    """What the open pages report as painted, after each state and each heartbeat. Times are of any one clock, in seconds.

    A page with a stopped script, a lost display, or an old state reports nothing that counts. If none ever painted, none is
    expected: the display may be elsewhere.
    """

    def __init__(self) -> None:
        self._painted_s: float | None = None

    def seen(self, event: str, *, newest: str, at_s: float) -> None:
        """A page has painted this event's state; only the `newest` counts."""
        if event == newest:
            self._painted_s = at_s

    def close(self) -> None:
        """The page was closed or hidden on purpose: none is expected until one paints again."""
        self._painted_s = None

    def is_painted(self, now_s: float) -> bool | None:
        """True while a page shows the current state, False if the one that did no longer does, None if there never was one."""
        return None if self._painted_s is None else now_s - self._painted_s <= PAINTED_S_MAX


class Board:
    """The newest state, which is shown, with its number. `boot` is new at each start, so that a page knows when to reload."""

    def __init__(self, *, boot: str, state: PageState, pages_max: int = PAGES_MAX) -> None:
        self.boot = boot
        self.state = state
        self._seq = 0
        self._pages: Fanout[bytes] = Fanout(clients_max=pages_max)

    @property
    def event_id(self) -> str:
        """The ID that a page reports for the current state once painted."""
        return f"{self.boot}-{self._seq}"

    @property
    def pages(self) -> int:
        """Return the number of connected browsers."""
        return self._pages.clients

    @property
    def is_full(self) -> bool:
        """True if no further browser can connect."""
        return self._pages.is_full

    def show(self, state: PageState) -> None:
        """Send a page to all browsers, unless it is shown already."""
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
    """A colour `#rrggbb` with the number that a page reports once painted."""

    number: int
    colour: str

    def as_json(self) -> str:
        """The tint as the browser receives it."""
        return json.dumps({"number": self.number, "colour": self.colour}, separators=(",", ":"))


class Tints:
    """The colours of the open pages. `on_painted` receives the number of a tint that all of them have painted."""

    def __init__(self, *, pages_max: int, on_painted: Callable[[int], None]) -> None:
        self._pages: Fanout[Tint] = Fanout(clients_max=pages_max)
        self._on_painted = on_painted
        self._open: set[Latest[Tint]] = set()
        self._waiting: set[Latest[Tint]] = set()
        self._now: Tint | None = None
        self._since_ms: float | None = None

    def begin(self) -> None:
        """Another traveller is being looked at, without a tint yet: the camera's own challenge needs constant light."""
        self._now, self._since_ms = None, None
        self._waiting = set()

    def show(self, tint: Tint, *, at_ms: float) -> bool:
        """Show a colour on every page. False for one that is not pale or too soon: it is not shown."""
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
        """Yield a page's mailbox of tints, starting with the current one, if any. Raises FullError and EndedError."""
        with self._pages.join() as mailbox:
            self._open.add(mailbox)
            if self._now is not None:
                mailbox.put(self._now)
            try:
                yield mailbox
            finally:
                self._open.discard(mailbox)

    def close(self) -> None:
        """End every page's tints; no page can connect any more."""
        self._pages.close()


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2)."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)
