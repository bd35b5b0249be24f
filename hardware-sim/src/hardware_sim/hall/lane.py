"""The hall's port to a lane; the gate's side of a simulation implements it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

WELCOME, LOOK, GO, OFFICER = "welcome", "look", "go", "officer"  # contents of a screen
CLOSED, EMERGENCY = "closed", "emergency"
FIRST, LAST = "first", "last"  # doors; a one-door lane has only the last
SENSORS = "sensors"  # between two doors


class Word(enum.Enum):
    """An officer's order."""

    PRESENT = "present"
    ADMIT = "admit"
    TAKE_OVER = "take_over"
    SEND_BACK = "send_back"
    FREE = "free"
    END_EMERGENCY = "end_emergency"
    ACKNOWLEDGE = "acknowledge"
    OPEN = "open"
    PAUSE = "pause"
    EVACUATE = "evacuate"


@dataclass(frozen=True, slots=True)
class LaneReport:
    """The report on the lane that an officer receives."""

    waiting: tuple[str, ...]  # referrals
    alarmed: bool
    emergency: bool
    notices: tuple[str, ...]
    closed: bool  # by an officer
    owed: int  # records that are not on the disk yet


class Lane(Protocol):
    """One lane. It reports its screens to the hall (`Scene.shown`), and its orders, answers and incidents."""

    def start(self) -> None:
        """Start the lane's program."""

    async def die(self) -> None:
        """End the program as SIGKILL does: the content of its memory is lost."""

    def fault(self) -> str:
        """Return the reason why the program ended by itself; empty while it runs."""

    def lay(self, name: str) -> None:
        """Place a document on the reader."""

    def pull(self) -> None:
        """Take the document away."""

    def ask(self, name: str, wish: str) -> None:
        """Let this traveller ask for something on the page: `help` or `protection`."""

    def lose_sight(
        self, name: str, after_s: float = 0.0, seen_ago_s: float = 0.6, size: Callable[[], float] = lambda: 1.0
    ) -> None:
        """Report after `after_s` that the camera last saw this traveller `seen_ago_s` earlier, if the lane still examines them.

        `size` returns the size of their face relative to the comparison, at the time when they were last seen.
        """

    def order(self, word: Word, crossing: str = "") -> None:
        """Give an officer's order."""

    def report(self) -> LaneReport:
        """Return the report that an officer receives."""
