"""The barrier port over contacts: a session's conversations on the lines of a GPIO chip.

Promises: no contact is closed for longer than a pulse, as far as this program runs, and no two at a time; a moment lies between two
pulses; releasing and revoking go before grants, and these before looks; connecting leaves no grant behind; a revoke that comes while a
grant waits for its turn ends it, and so does `withdraw`. Whoever sees LinkLostError or NotWellError connects anew.

**Why nobody is granted twice.** There is no line, and no answer that could be another's: each call returns with its own, however long it takes, and nothing
is ever closed again for a call that failed. A grant closes its contact once; what follows only reads.

Polling and reconnecting are the caller's: no task runs here. The kernel is called in the event loop, so the chip must answer at once:
one of the computer's own, or on I2C or SPI, not behind USB.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import asdict, dataclass

from drivers.barrier.board import require_rest
from drivers.barrier.contacts.gpio import Kernel
from drivers.barrier.contacts.profile import ContactsProfile
from drivers.barrier.contacts.session import Answer, Cut, Look, Pulse, Request, Rewrite, Session, Show
from drivers.barrier.contacts.wiring import Contact, Wiring
from drivers.barrier.orders import Orders
from drivers.barrier.turns import Urgency
from drivers.errors import DriverError, LinkLostError
from drivers.values import BarrierAlarm, BarrierStatus, Direction, LampColour

GAP_S = (
    0.05  # between two pulses: a relay takes its time to open, and two contacts at once mean something else to a gate
)
_ASKS_FOR_A_PASSAGE = frozenset({Contact.LEFT, Contact.RIGHT})


@dataclass(slots=True)
class _Health:
    """How well the contacts work, since the start. `pulse_ms_max`: the longest pulse, more than the profile's when this program was held up."""

    looks: int = 0
    pulses: int = 0
    pulse_ms_max: int = 0
    edges_forgotten: int = 0
    connects: int = 0


class ContactsBarrier:
    """One gate. All methods may be called from any task of one loop."""

    def __init__(self, *, kernel: Kernel, path: str, profile: ContactsProfile, entry_is_left: bool = True) -> None:
        self._kernel = kernel
        self._path = path
        self._profile = profile
        self._session = Session(
            profile=profile, entry_is_left=entry_is_left, clock=lambda: asyncio.get_running_loop().time()
        )
        self._orders = Orders(self._exchange, require_line=self._require_wiring, lose=self._lose)
        self._health = _Health()
        self._wiring: Wiring | None = None
        self._lost = ""  # why the contacts are not ours
        self._lamp = 0
        self._held: Contact | None = None
        self._held_since_s = 0.0
        self._next_at_s = 0.0
        self._pulse_ends: asyncio.TimerHandle | None = None
        self._grant_written_at_s: float | None = None

    @property
    def grant_written_at_s(self) -> float | None:
        """Seconds of the loop's clock (CLOCK_MONOTONIC) at which the last contact that grants was closed."""
        return self._grant_written_at_s

    async def connect(self, *, revoke: bool = True) -> None:
        """Take the lines anew, everything off, and stop what may stand from before, if `revoke`.

        Raises LinkLostError, NotWellError or, when the chip can never serve so, SetupError.
        """
        self.close()
        async with self._orders.connecting():
            self.close()  # another one connected while this one waited
            self._wiring, self._lost = Wiring.open(self._kernel, self._path, self._profile), ""
            self._health.connects += 1
            self._orders.note(await self._orders.converse(self._session.hello(revoke=revoke), urgency=None))

    async def status(self) -> BarrierStatus:
        """Read everything. Raises LinkLostError or NotWellError."""
        return await self._orders.ask(self._session.status())

    async def check(self) -> str:
        """Take the gate over, see it at rest, and say what nobody but a person can try.

        Grants nothing and leaves the leaf where it was; the lines are let go at the end. Raises DriverError.
        """
        grant = self._profile.grant
        try:
            await self.connect()
            await self._orders.converse(self._session.rest(), urgency=Urgency.POLL)
            status = await self.status()
        finally:
            self.close()
        require_rest(status)
        stop = "no stop contact" if grant.stop is None else "stop reads back"
        return f"closed, {stop}; the gate must end a grant within {grant.lasts_ms} ms: only a walk shows that it does"

    def describe(self) -> dict[str, int]:
        """How the contacts worked since the start: looks, pulses and the longest of them, edges that the kernel forgot and counted, connects."""
        return asdict(self._health)

    async def grant(self, direction: Direction, ttl_ms: int) -> None:
        """Let one traveller through. The gate ends the grant by its own time; the caller revokes it after `ttl_ms`.

        Raises RefusedError when a grant is outstanding, in an emergency, or after a revoke; NotWellError when the contact does not close.
        Cancelled or withdrawn midway, the grant may stand: revoke it.
        """
        takes = self._profile.ttl_ms
        if ttl_ms not in takes:
            raise ValueError(f"time to live of {ttl_ms} ms is outside {takes.start} to {takes.stop - 1}")
        await self._orders.grant(self._session.status, lambda before: self._session.grant(direction, before=before))

    async def revoke(self) -> None:
        """Take every grant back, as far as the gate has a stop; in an emergency close nothing. Raises LinkLostError or NotWellError."""
        self.withdraw()
        with self._orders.ordering():
            await self._orders.insist(self._session.revoke(), urgency=Urgency.REVOKE)

    def withdraw(self) -> None:
        """Have every order under way but a release close no contact any more that is not closed yet."""
        self._orders.withdraw()

    async def release(self) -> None:
        """Open so that whoever is inside can leave. Waits for nothing but the end of a pulse that is on."""
        await self._orders.converse(self._session.release(), urgency=Urgency.FREE)

    @property
    def has_lamp(self) -> bool:
        """True when the profile names a lamp."""
        return self._profile.lamp is not None

    async def lamp(self, colour: LampColour) -> None:
        """Show a colour, where there is a lamp."""
        await self._orders.converse(self._session.lamp(colour), urgency=Urgency.POLL)

    async def clear_alarms(self, alarms: Collection[BarrierAlarm]) -> None:  # noqa: ARG002 - the port's argument
        """These gates cannot be told to: an alarm ends with its cause."""
        await self._orders.insist(self._session.clear_alarms(), urgency=Urgency.POLL)

    async def end_emergency(self) -> None:
        """End an emergency whose cause is gone. Raises RefusedError while it lasts."""
        with self._orders.ordering():
            await self._orders.insist(self._session.end_emergency(), urgency=Urgency.REVOKE)

    def close(self) -> None:
        """Switch everything off and let the lines go. The gate ends what it was asked for by itself."""
        self._orders.forget()
        if self._pulse_ends is not None:
            self._pulse_ends.cancel()
        if self._held is not None:
            self._next_at_s = asyncio.get_running_loop().time() + GAP_S
        self._held = self._pulse_ends = None
        self._lamp = 0
        if self._wiring is not None:
            self._wiring.close()
            self._wiring = None

    def _lose(self, error: BaseException) -> None:
        """Let the lines go and remember why: whoever asks next, and did not see it, hears of that."""
        if self._wiring is not None:
            self._lost = f": {error}"
        self.close()

    def _require_wiring(self) -> Wiring:
        if self._wiring is None:
            raise LinkLostError(f"the barrier is not connected{self._lost}")
        return self._wiring

    async def _exchange(self, request: Request) -> Answer:
        """Carry out one request and read everything behind it. Raises LinkLostError."""
        wiring, done = self._require_wiring(), True
        match request:
            case Look():
                self._health.looks += 1
            case Rewrite():
                wiring.switch(self._held, lamp=self._lamp)
            case Show(lamp):
                self._lamp = lamp
                wiring.switch(self._held, lamp=lamp)
            case Cut():
                self._cut(wiring)
            case Pulse(contact, grants):
                done = self._close_contact(wiring, contact, grants=grants)
        seen = wiring.look()
        self._health.edges_forgotten = max(self._health.edges_forgotten, wiring.edges_forgotten)
        return Answer(seen, self._held, done)

    def _close_contact(self, wiring: Wiring, contact: Contact, *, grants: bool) -> bool:
        """Begin a pulse, unless another one is on or has only just ended."""
        loop = asyncio.get_running_loop()
        if contact is Contact.STOP:
            self._cut(wiring)
        if self._held is not None or loop.time() < self._next_at_s:
            return False
        pulse_s = self._profile.grant.pulse_ms / 1000
        self._held, self._held_since_s = contact, loop.time()
        # Before the contact closes: nothing that fails from here on can leave it closed.
        self._pulse_ends = loop.call_later(pulse_s, self._end_pulse, wiring)
        wiring.switch(contact, lamp=self._lamp)
        if grants:
            self._grant_written_at_s = self._held_since_s
        self._health.pulses += 1
        return True

    def _cut(self, wiring: Wiring) -> None:
        """Open a contact that asks for a passage."""
        if self._held in _ASKS_FOR_A_PASSAGE:
            self._open_contact(wiring)

    def _end_pulse(self, wiring: Wiring) -> None:
        """The time of a pulse is over."""
        try:
            self._open_contact(wiring)
        except DriverError as error:
            self._lose(error)

    def _open_contact(self, wiring: Wiring) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._pulse_ends is not None:
            self._pulse_ends.cancel()
        held_ms = round((now_s - self._held_since_s) * 1000)
        self._health.pulse_ms_max = max(self._health.pulse_ms_max, held_ms)
        self._held, self._next_at_s = None, now_s + GAP_S
        self._pulse_ends = None
        wiring.switch(None, lamp=self._lamp)
