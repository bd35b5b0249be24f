"""The page that is shown now, for every browser that watches.

A state that equals the one before is not sent again: to the page, two referrals are one, in content and in timing
(safety invariant 13).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from gate.screens.kiosk.view import PageState
from gate_core.web_pages.fanout import Fanout, Latest

PAGES_MAX = 8  # the kiosk's browser, a technician's, and room for reloads


class Board:
    """Holds the newest state and numbers it. `boot` is new at each start, so that a page knows when to reload."""

    def __init__(self, *, boot: str, state: PageState, pages_max: int = PAGES_MAX) -> None:
        self.boot = boot
        self._state = state
        self._seq = 0
        self._pages: Fanout[bytes] = Fanout(clients_max=pages_max)

    @property
    def state(self) -> PageState:
        """The page that is shown."""
        return self._state

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
        if state == self._state:
            return
        self._state = state
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
        payload = json.dumps({"boot": self.boot, **self._state.as_json()}, separators=(",", ":"))
        return f"id: {self.event_id}\nevent: state\ndata: {payload}\n\n".encode()
