"""What was heard on a line of short frames: replies, other boards, noise; a two-wire adapter's echo of the request is none.

One reply (`Reading`) is not believed at once: a check of eight bits misses one double bit error in twelve to twenty. What tightens security counts at once;
what relaxes it (closed, fewer bodies, an alarm or an emergency gone) and every count need two replies in a row that agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.barrier.framed.frames import Layout, find_reply
from drivers.barrier.framed.profile import Status
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import LeafPosition


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard since the last request. `strangers`: sound frames of another board. `noise`: bytes of no frame of ours.

    `unasked`: sound frames of ours that no request was waiting for.
    """

    reply: Mapping[str, int] | None = None
    strangers: int = 0
    unasked: int = 0
    noise: int = 0


class Hearing:
    """Listens to one line. A frame that is cut by the end of one listening is heard in the next, and belongs to no request in between."""

    def __init__(self, layout: Layout, address: int) -> None:
        self.reply: Mapping[str, int] | None = None
        self._layout = layout
        self._address = address
        self._buffer = bytearray()
        self._early = 0  # bytes in the buffer that came before the request
        self._echo = b""
        self._is_asked = False
        self._strangers = self._unasked = self._noise = 0

    def begin(self, request: bytes = b"") -> None:
        """Listen anew: for the reply to these bytes, or with none of them, to whoever speaks unasked."""
        self.reply = None
        self._early = len(self._buffer)
        self._echo = request
        self._is_asked = bool(request)
        self._strangers = self._unasked = self._noise = 0

    def take(self, received: bytes) -> None:
        """Take more bytes."""
        self._buffer += received
        if self._is_within_echo():
            return
        while self._buffer:
            found = find_reply(self._buffer, self._layout, self._address)
            self._strangers += found.strangers
            self._noise += found.passed_over
            is_early = found.passed_over < self._early
            used = found.passed_over + (self._layout.length if found.reply is not None else 0)
            self._early = max(0, self._early - used)
            if found.reply is None:
                return
            if self._is_asked and self.reply is None and not is_early:
                self.reply = found.reply
            else:
                self._unasked += 1

    def forget(self) -> None:
        """Drop what is no whole frame yet."""
        self._noise += len(self._buffer)
        self._buffer.clear()

    def heard(self, *, after: Heard = Heard()) -> Heard:
        """All of it, behind what came before."""
        return Heard(
            self.reply, after.strangers + self._strangers, after.unasked + self._unasked, after.noise + self._noise
        )

    def _is_within_echo(self) -> bool:
        """Take our own request away; True while it may still be coming."""
        came = self._buffer[self._early :]
        if not self._echo or not came:
            return False
        if came.startswith(self._echo):
            del self._buffer[self._early : self._early + len(self._echo)]
        elif self._echo.startswith(came):
            return True
        self._echo = b""
        return False


@dataclass(frozen=True, slots=True)
class Reading:
    """One reply, as it stands; or what is believed after several. Counts are the board's own."""

    position: LeafPosition
    bodies: int
    left: int
    right: int
    fire: bool
    emergency: bool
    alarms: frozenset[Alarm]
    powered_up: bool

    @property
    def is_closed(self) -> bool:
        """True when the leaf rests closed."""
        return self.position is LeafPosition.CLOSED

    @property
    def counts(self) -> tuple[int, int]:
        """Passages to the left and to the right."""
        return self.left, self.right


def reading_of(status: Status, values: Mapping[str, int]) -> Reading:
    """What a reply's fields mean."""
    return Reading(
        position=status.position.values.get(values[status.position.field], LeafPosition.UNKNOWN),
        bodies=status.beams.bodies(values),
        left=values[status.passages_left],
        right=values[status.passages_right],
        fire=status.fire.shows(values),
        emergency=status.emergency.shows(values),
        alarms=frozenset(sign.alarm for sign in status.alarms if sign.shows(values)),
        powered_up=status.powered_up is not None and status.powered_up.shows(values),
    )


def relaxes(believed: Reading, seen: Reading) -> bool:
    """True when this reply would relax what is believed, or counts otherwise: one more must agree."""
    return (
        (seen.is_closed and not believed.is_closed)
        or seen.bodies < believed.bodies
        or seen.counts != believed.counts
        or (believed.fire and not seen.fire)
        or (believed.emergency and not seen.emergency)
        or not believed.alarms <= seen.alarms
        or (believed.powered_up and not seen.powered_up)
    )


def settled(first: Reading, second: Reading, *, believed: Reading) -> Reading:
    """What is believed after two replies in a row: what both say, and else the tighter of the two; counts as before, unless both agree."""
    agreed = first.counts == second.counts
    return Reading(
        position=first.position if second.is_closed else second.position,
        bodies=max(first.bodies, second.bodies),
        left=second.left if agreed else believed.left,
        right=second.right if agreed else believed.right,
        fire=first.fire or second.fire,
        emergency=first.emergency or second.emergency,
        alarms=first.alarms | second.alarms,
        powered_up=first.powered_up or second.powered_up,
    )
