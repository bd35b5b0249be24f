"""The page that is shown now, for every browser that watches.

A state that equals the one before is not sent again: to the page, two referrals are one, in content and in timing
(safety invariant 13).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
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
