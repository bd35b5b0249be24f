"""The barrier port over contacts: a session's conversations on the lines of a GPIO chip.

While this program runs, no contact is closed longer than a pulse, and only one at a time. A grant closes its contact once, and no failed
call closes it again: each call returns its own answer. The event loop calls the kernel, so the chip must answer at once: not over USB.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import asdict, dataclass

from drivers.barrier.board import require_rest
from drivers.barrier.contacts.gpio import Chip, Flag, Kernel, Lines
from drivers.barrier.contacts.profile import Contact, ContactsProfile, Input
from drivers.barrier.contacts.session import Answer, Do, Pulse, Request, Seen, Session, Show
from drivers.barrier.driver import Driver
from drivers.barrier.orders import Urgency, loop_s
from gate_core.errors import DriverError, LinkLostError, SetupError
from gate_core.ports.values import LampColour

# between two pulses: a relay takes its time to open, and two contacts at once mean something else to a gate
GAP_S = 0.05
_ASKS_FOR_A_PASSAGE = frozenset({Contact.LEFT, Contact.RIGHT})


class Wiring:
    """The contacts of one profile, made by `open`. At most one is closed at a time. All are off after opening and, as
    far as the chip obeys, after closing. The state of an output is read back from the chip.
    """

    def __init__(self, profile: ContactsProfile, outputs: Lines, levels: Lines, left: Lines, right: Lines) -> None:
        self._contacts = tuple(profile.contacts)
        self._inputs = _inputs(profile)
        self._outputs = outputs
        self._levels = levels
        self._passages = (left, right)

    @classmethod
    def open(cls, kernel: Kernel, path: str, profile: ContactsProfile) -> Wiring:
        """Request the lines, outputs first. Raises LinkLostError, or SetupError for unusable lines or another chip."""
        with contextlib.closing(Chip.open(kernel, path)) as chip, contextlib.ExitStack() as taken:
            if chip.label != profile.chip:
                raise SetupError(f"the chip {path} is {chip.label!r}, the profile is for {profile.chip!r}")
            lamp = () if profile.lamp is None else profile.lamp.lines
            outputs = [(output.line, output.flags) for output in (*profile.contacts.values(), *lamp)]
            reads = [[(read.line, read.flags) for read in _inputs(profile)]]
            # A request each: where one line's edges crowd out the other's, those would show with its next edge only.
            counted = (profile.status.passages_left, profile.status.passages_right)
            reads += [[(read.line, read.flags | Flag.EDGE_RISING)] for read in counted]
            lines = [taken.enter_context(contextlib.closing(chip.request(outputs)))]
            for wanted in reads:
                request = chip.request(wanted, debounce_us=profile.debounce_ms * 1000)
                lines.append(taken.enter_context(contextlib.closing(request)))
            taken.pop_all()
        return cls(profile, *lines)

    @property
    def edges_forgotten(self) -> int:
        """Number of passage edges that the kernel had no room for; they are counted nevertheless."""
        return sum(counted.edges_forgotten for counted in self._passages)

    def switch(self, contact: Contact | None, *, lamp: int) -> None:
        """Close only this contact, and set these bits of the lamp. Raises LinkLostError."""
        closed = 0 if contact is None else 1 << self._contacts.index(contact)
        self._outputs.set(closed | lamp << len(self._contacts))

    def look(self) -> Seen:
        """Read all lines. Raises LinkLostError. Passages are read last: the count is never older than the leaf's position."""
        outputs, levels = self._outputs.get(), self._levels.get()
        (left,), (right,) = (counted.edges() for counted in self._passages)
        return Seen(
            frozenset(contact for place, contact in enumerate(self._contacts) if outputs >> place & 1),
            outputs >> len(self._contacts),
            frozenset(read.line for place, read in enumerate(self._inputs) if levels >> place & 1),
            (left, right),
        )

    def close(self) -> None:
        """Switch everything off and release the lines."""
        with contextlib.suppress(LinkLostError):
            self._outputs.set(0)
        for lines in (self._outputs, self._levels, *self._passages):
            lines.close()


def _inputs(profile: ContactsProfile) -> tuple[Input, ...]:
    """Return the inputs that are read as levels."""
    status = profile.status
    maybe = (status.closed, status.open, *status.presence, status.fire, status.emergency, *profile.alarms.values())
    return tuple(read for read in maybe if read is not None)


@dataclass(slots=True)
class _Health:
    """Counters since the start. `pulse_ms_max`: the longest pulse; above the profile's if this program was delayed."""

    looks: int = 0
    pulses: int = 0
    pulse_ms_max: int = 0
    edges_forgotten: int = 0
    connects: int = 0


class ContactsBarrier(Driver[Wiring, Request, Answer]):
    """One gate."""

    def __init__(self, *, kernel: Kernel, path: str, profile: ContactsProfile, entry_is_left: bool = True) -> None:
        self._kernel = kernel
        self._path = path
        self._profile = profile
        self._session = Session(profile=profile, entry_is_left=entry_is_left, clock=loop_s)
        super().__init__(self._session, ttl_ms=profile.ttl_ms, has_lamp=profile.lamp is not None)
        self._health = _Health()
        self._lamp = 0
        self._held: Contact | None = None
        self._held_since_s = 0.0
        self._next_at_s = 0.0
        self._pulse_ends: asyncio.TimerHandle | None = None

    async def _open(self) -> Wiring:
        wiring = Wiring.open(self._kernel, self._path, self._profile)
        self._health.connects += 1
        return wiring

    async def check(self) -> str:
        """Take the gate over, see it at rest, and report what only a person can test.

        Grants nothing and does not move the leaf; releases the lines at the end. Raises DriverError.
        """
        grant = self._profile.grant
        try:
            await self.connect()
            await self._converse(self._session.rest(), urgency=Urgency.POLL)
            status = await self.status()
        finally:
            self.close()
        require_rest(status)
        stop = "no stop contact" if grant.stop is None else "stop reads back"
        return f"closed, {stop}; the gate must end a grant within {grant.lasts_ms} ms: only a walk shows that it does"

    def describe(self) -> dict[str, int]:
        """Return counters since the start: looks, pulses and the longest one, edges that the kernel dropped and counted, connects."""
        return asdict(self._health)

    async def lamp(self, colour: LampColour) -> None:
        """Show a colour, if there is a lamp."""
        await self._converse(self._session.lamp(colour), urgency=Urgency.POLL)

    def close(self) -> None:
        """Switch everything off and release the lines. The gate ends what was requested by itself."""
        if self._pulse_ends is not None:
            self._pulse_ends.cancel()
        if self._held is not None:
            self._next_at_s = loop_s() + GAP_S
        self._held = self._pulse_ends = None
        self._lamp = 0
        super().close()

    async def _exchange(self, request: Request) -> Answer:
        """Carry out one request, then read all lines."""
        wiring, done = self._require_line(), True
        match request:
            case Do.LOOK:
                self._health.looks += 1
            case Do.REWRITE:
                wiring.switch(self._held, lamp=self._lamp)
            case Show(lamp):
                self._lamp = lamp
                wiring.switch(self._held, lamp=lamp)
            case Do.CUT:
                self._cut(wiring)
            case Pulse(contact, grants):
                done = self._close_contact(wiring, contact, grants=grants)
        seen = wiring.look()
        self._health.edges_forgotten = max(self._health.edges_forgotten, wiring.edges_forgotten)
        return Answer(seen, self._held, done)

    def _close_contact(self, wiring: Wiring, contact: Contact, *, grants: bool) -> bool:
        """Begin a pulse, unless another one is active or has just ended."""
        loop = asyncio.get_running_loop()
        if contact is Contact.STOP:
            self._cut(wiring)
        if self._held is not None or loop.time() < self._next_at_s:
            return False
        pulse_s = self._profile.grant.pulse_ms / 1000
        self._held, self._held_since_s = contact, loop.time()
        # Before the contact closes: no later failure can leave it closed.
        self._pulse_ends = loop.call_later(pulse_s, self._end_pulse, wiring)
        wiring.switch(contact, lamp=self._lamp)
        if grants:
            self.grant_written_at_s = self._held_since_s
        self._health.pulses += 1
        return True

    def _cut(self, wiring: Wiring) -> None:
        """Open a contact that requests a passage."""
        if self._held in _ASKS_FOR_A_PASSAGE:
            self._open_contact(wiring)

    def _end_pulse(self, wiring: Wiring) -> None:
        try:
            self._open_contact(wiring)
        except DriverError as error:
            self._lose(error)

    def _open_contact(self, wiring: Wiring) -> None:
        now_s = loop_s()
        if self._pulse_ends is not None:
            self._pulse_ends.cancel()
        held_ms = round((now_s - self._held_since_s) * 1000)
        self._health.pulse_ms_max = max(self._health.pulse_ms_max, held_ms)
        self._held, self._next_at_s = None, now_s + GAP_S
        self._pulse_ends = None
        wiring.switch(None, lamp=self._lamp)
