"""What the hall needs of a lane, in the hall's own words: the gate's side of a simulation fills this port."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

WELCOME, LOOK, GO, OFFICER = "welcome", "look", "go", "officer"  # a screen's content
CLOSED, EMERGENCY = "closed", "emergency"
FIRST, LAST = "first", "last"  # doors; a lane of one has the last alone
SENSORS = "sensors"  # between two doors


class Word(enum.Enum):
    """What an officer orders."""

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
    """One lane. It reports to the hall what it shows (`Scene.shown`), and orders, answers and incidents."""

    def start(self) -> None:
        """Start the lane's program."""

    async def die(self) -> None:
        """End it as SIGKILL does: what it had in memory is gone."""

    def fault(self) -> str:
        """What ended the program by itself; empty while it runs."""

    def lay(self, name: str) -> None:
        """A document is laid on the reader."""

    def pull(self) -> None:
        """It is taken away."""

    def ask(self, name: str, wish: str) -> None:
        """This traveller asks for something on the page: `help` or `protection`."""

    def lose_sight(
        self, name: str, after_s: float = 0.0, seen_ago_s: float = 0.6, size: Callable[[], float] = lambda: 1.0
    ) -> None:
        """So long after, the lane hears that the camera saw this traveller so long before for the last time, if it looks at them still.

        `size`: how many times as large as at the comparison their face is at the time of the call; it is asked when they were seen last.
        """

    def order(self, word: Word, crossing: str = "") -> None:
        """An officer orders."""

    def report(self) -> LaneReport:
        """Return the report that an officer receives."""
