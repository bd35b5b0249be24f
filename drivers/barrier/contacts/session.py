"""Requests to a gate with contacts, and the meaning of what they show. No I/O; the clock is an argument.

Each order is a generator: it yields one request at a time and receives the lines as read right after it. A contact answers at once, so a grant
is never repeated. It counts as outstanding from its pulse until a passage was counted, it was stopped, or the gate's time for it is over.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass
from typing import TypeVar

from drivers.barrier.contacts.profile import Contact, ContactsProfile
from drivers.barrier.orders import AskedPassage, Pause
from gate_core.errors import NotWellError, RefusedError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LampColour, LeafPosition

_AGAIN_S = 0.01  # until a contact is tried again while another one is closed
_COUNTS = 2**32  # as gate_core.ports.values has them
_PASSAGES_A_SECOND_MAX = 5  # people do not walk faster: more are a contact that bounces, or is defective
_PASSAGES_AT_ONCE_MAX = 3
_CALM_S = 1.0  # after such a contact, until it is believed again

Answered = TypeVar("Answered")


class Do(enum.Enum):
    """Requests without arguments."""

    LOOK = enum.auto()  # read everything
    REWRITE = enum.auto()  # write all outputs once more as they are meant to be
    CUT = enum.auto()  # open a contact that requests a passage, whatever is left of its pulse


@dataclass(frozen=True, slots=True)
class Pulse:
    """Close a contact for one pulse, unless another one is closed or was a moment ago. A stop first cuts a contact that requests a passage.

    `grants`: the pulse admits a person.
    """

    contact: Contact
    grants: bool = False


@dataclass(frozen=True, slots=True)
class Show:
    """Set these bits of the lamp."""

    lamp: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One reading. `closed` and `lamp` are read back from the outputs; `active`: the input lines whose condition holds.

    `passages`: counts of left and right since the contacts were opened.
    """

    closed: frozenset[Contact]
    lamp: int
    active: frozenset[int]
    passages: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Answer:
    """The reading after a request. `held`: the contact with an active pulse; `done`: the request was carried out."""

    seen: Seen
    held: Contact | None
    done: bool = True


Request = Do | Pulse | Show
Conversation = Generator[Request | Pause, Answer, Answered]


class Session:
    """The conversations with one gate. Stores the requested passage and whether there is an emergency. `clock` gives seconds."""

    def __init__(self, *, profile: ContactsProfile, entry_is_left: bool, clock: Callable[[], float]) -> None:
        self.emergency = False
        self._profile = profile
        self._entry_is_left = entry_is_left
        self._clock = clock
        self._openings = 0
        self._passage: AskedPassage | None = None
        self._passages = (0, 0)
        self._looked_at_s = 0.0
        self._hasty = 0.0  # passages beyond what people make, as they add up
        self._was_hasty = False

    def hello(self, *, revoke: bool = True) -> Conversation[BarrierStatus]:
        """Begin counting; with `revoke`, leave no earlier request for a passage. Raises NotWellError.

        Passages before are uncounted, so the counts begin with a new number of restarts: the time since the machine's start,
        which a restarted program never gives twice. A gate without a stop is given its own time to end a passage.
        """
        self._openings = max(self._openings + 1, int(self._clock() * 10) % _COUNTS)
        self._passage, self._passages, self._looked_at_s = None, (0, 0), self._clock()
        status = yield from self.status()
        if self._was_hasty:
            yield Pause(_CALM_S)
            status = yield from self.status()
            self._was_hasty = False
        if self.emergency or not revoke:
            return status
        if self._profile.grant.stop is None:
            yield Pause(self._profile.grant.lasts_ms / 1000)
        yield from self.revoke()
        return (yield from self.status())

    def status(self) -> Conversation[BarrierStatus]:
        """Read all lines. Raises NotWellError if an output differs from what was switched, or passages come too fast for people.

        A contact that is closed without a request is opened, and counts as a requested passage.
        """
        answer = yield Do.LOOK
        if strays := answer.seen.closed - {answer.held}:
            for side in (side for side, contact in enumerate(_SIDES) if contact in strays):
                self._asked_for(side, answer.seen)
            answer = yield Do.REWRITE
        return self._status(answer)

    def grant(
        self,
        direction: Direction,
        ttl_ms: int,  # noqa: ARG002 - such a gate cannot be told
        *,
        before: BarrierStatus,
    ) -> Conversation[None]:
        """Admit one traveller, once no contact is closed. `before`: a status newer than any other order.

        Raises RefusedError when a grant is outstanding or in an emergency, NotWellError when the contact does not close.
        """
        if before.grants_left_entry or before.grants_left_exit or self._passage is not None:
            raise RefusedError("a grant is outstanding")
        side = self._side(direction)
        while True:
            if self.emergency:
                raise RefusedError("no grant in an emergency")
            answer = yield Pulse(_SIDES[side], grants=True)
            if answer.done:
                break
            self._status(answer)
            yield Pause(_AGAIN_S)
        self._asked_for(side, answer.seen)
        self._status(answer)

    def revoke(self) -> Conversation[None]:
        """End a pulse that requests a passage, and stop the gate. Sends nothing in an emergency, when nothing may close (invariant 7).

        Without a stop, the request ends by the gate's own timer, and is outstanding until then.
        """
        if self.emergency:
            return
        if self._profile.grant.stop is None:
            self._status((yield Do.CUT))
            return
        yield from self._pulse(Contact.STOP)
        self._passage = None

    def release(self) -> Conversation[None]:
        """Let people out: by the gate's release contact, or by one passage in exit direction."""
        own = None if self._profile.release is None else Contact.RELEASE
        yield from self._pulse(own or _SIDES[self._side(Direction.EXIT)])

    def lamp(self, colour: LampColour) -> Conversation[None]:
        """Show a colour, if there is a lamp. Raises RefusedError if its lines read back differently."""
        lamp = self._profile.lamp
        if lamp is None:
            return
        answer = yield Show(lamp.colours[colour])
        if answer.seen.lamp != lamp.colours[colour]:
            raise RefusedError(f"the lamp's lines read {answer.seen.lamp:b} after {lamp.colours[colour]:b} was written")

    def clear_alarms(self, alarms: Collection[Alarm]) -> Conversation[None]:  # noqa: ARG002 - nor this
        """Do nothing: alarms of this kind of gate end by themselves."""
        yield from ()

    def end_emergency(self) -> Conversation[None]:
        """Check that the emergency is over, and leave no earlier passage. Raises RefusedError while it lasts."""
        yield from self.status()
        if self.emergency:
            raise RefusedError("the fire input, or the gate's emergency, is active")
        yield from self.revoke()

    def rest(self) -> Conversation[None]:
        """Wait until no contact is closed."""
        while (yield Do.LOOK).held is not None:
            yield Pause(_AGAIN_S)

    def _pulse(self, contact: Contact) -> Conversation[None]:
        """Close a contact once no other one is closed. A stop is dropped if an emergency has begun. A closed contact gets no second pulse.

        Raises NotWellError if it does not close.
        """
        while True:
            answer = yield Pulse(contact)
            self._status(answer)
            if answer.done or answer.held is contact or (contact is Contact.STOP and self.emergency):
                return
            yield Pause(_AGAIN_S)

    def _asked_for(self, side: int, seen: Seen) -> None:
        """From now on the gate may admit a person."""
        lasts_s = (self._profile.grant.pulse_ms + self._profile.grant.lasts_ms) / 1000
        self._passage = AskedPassage(side, self._clock() + lasts_s, seen.passages[side])

    def _side(self, direction: Direction) -> int:
        return int((direction is Direction.ENTRY) is not self._entry_is_left)

    def _status(self, answer: Answer) -> BarrierStatus:
        """Convert a reading to a status, and store what must outlast it. Raises NotWellError."""
        seen, told = answer.seen, self._profile.status
        _require_as_switched(answer)
        self._require_walking_pace(seen)
        passages, granted = [count % _COUNTS for count in seen.passages], self._granted(seen)
        if not self._entry_is_left:
            passages.reverse()
            granted.reverse()
        fire = told.fire.line in seen.active
        self.emergency = fire or (told.emergency is not None and told.emergency.line in seen.active)
        return BarrierStatus(
            position=self._position(seen),
            bodies=sum(beam.line in seen.active for beam in told.presence),
            count_entry=passages[0],
            count_exit=passages[1],
            grants_left_entry=granted[0],
            grants_left_exit=granted[1],
            fire=fire,
            emergency_open=self.emergency,
            alarms=frozenset(alarm for alarm, read in self._profile.alarms.items() if read.line in seen.active),
            restarts=self._openings,
        )

    def _granted(self, seen: Seen) -> list[int]:
        passage = self._passage
        if passage is not None and passage.is_over(self._clock(), seen.passages):
            passage = self._passage = None
        return [int(passage is not None and passage.side == side) for side in range(2)]

    def _position(self, seen: Seen) -> LeafPosition:
        """Return the leaf's position; unknown if the two contacts contradict each other."""
        told = self._profile.status
        closed, is_open = told.closed.line in seen.active, told.open is not None and told.open.line in seen.active
        if closed == is_open:
            return LeafPosition.UNKNOWN
        return LeafPosition.CLOSED if closed else LeafPosition.OPEN

    def _require_walking_pace(self, seen: Seen) -> None:
        """Raises NotWellError if more passages were counted recently than people can make."""
        now_s = self._clock()
        grown = sum(seen.passages) - sum(self._passages)
        forgiven = _PASSAGES_A_SECOND_MAX * (now_s - self._looked_at_s)
        self._passages, self._looked_at_s = seen.passages, now_s
        self._hasty = max(0.0, self._hasty + grown - forgiven)
        if self._hasty > _PASSAGES_AT_ONCE_MAX:
            self._hasty, self._was_hasty = 0.0, True
            raise NotWellError(
                "passages are counted faster than people walk: a contact of them bounces (debounce_ms) or is defective"
            )


_SIDES = (Contact.LEFT, Contact.RIGHT)


def _require_as_switched(answer: Answer) -> None:
    """Raises NotWellError if an output does not read back as it was switched."""
    if stuck := sorted(contact.value for contact in answer.seen.closed - {answer.held}):
        raise NotWellError(
            f"the contact {', '.join(stuck)} stays closed: its output reads on after it was switched off"
        )
    if answer.held is not None and answer.held not in answer.seen.closed:
        raise NotWellError(
            f"the contact {answer.held.value} does not close: its output reads off after it was switched on"
        )
