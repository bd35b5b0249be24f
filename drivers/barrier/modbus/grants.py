"""The kinds of grants on Modbus boards: how each is sent and taken back, what the board shows of it, and for how long that certainly shows.

The host begins a pulse and ends it with the next status after its time; without the host, the host watchdog ends it. No pulse is cut short.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable

from drivers.barrier.modbus.profile import ModbusProfile, Passages, Pulse, Timed
from drivers.barrier.orders import AskedPassage, Pause
from drivers.modbus.exchange import Answer, read, write, write_coils
from drivers.modbus.frames import READ_COILS, READ_HOLDING, CoilsRequest, Reply, Request, WriteRequest
from drivers.modbus.tables import Image, number
from gate_core.errors import LinkLostError, NoReplyError, SetupError

_COUNTS = 2**32
_CLAIM_AGAIN_S = 0.005
Clock = Callable[[], float]
Conversation = Generator[Request | Pause, Reply | None, Answer]
Sides = tuple[int, int]  # left, right


class Counts:
    """One board's passages and power-ups. An unexpected power-up is a lost link; fewer passages than before are no answer.

    Counters have 16 or 32 bits and restart at each power-up. The result grows by one per passage and wraps at 2**32. For a
    board without its own count, power-ups are detected here: written registers are lost, or its counters fell.
    """

    def __init__(self, profile: ModbusProfile) -> None:
        self._places = (profile.status.passages_left, profile.status.passages_right)
        self._spans = [1 << 16 * place.words for place in self._places]
        self._restarts_place = profile.status.restarts
        self._raw: tuple[int, ...] | None = None
        self._totals = [0, 0]
        self._restarts = 0
        self._awaited = True

    def await_anew(self) -> None:
        """Prepare for an opened line: counting starts with the next reading."""
        self._awaited = True

    def see(self, image: Image, *, kept: bool) -> tuple[int, int, int]:
        """Return passages left and right, and power-ups. `kept`: the board still holds what was written. Raises LinkLostError or NoReplyError."""
        raw = tuple(number(place, image) for place in self._places)
        grown = self._grown(raw)
        restarts = self._restarts if self._restarts_place is None else number(self._restarts_place, image)
        if grown is not None and restarts == self._restarts and not self._awaited and _fell(grown, self._spans):
            raise NoReplyError("an answer is from before another one: counters do not fall by themselves")
        if grown is None or not kept or restarts != self._restarts:
            if not self._awaited:
                raise LinkLostError("the controller was powered up anew")
            grown, self._totals = (0, 0), list(raw)
            restarts = restarts + 1 if self._restarts_place is None else restarts
        self._raw, self._restarts, self._awaited = raw, restarts, False
        self._totals = [(total + more) % _COUNTS for total, more in zip(self._totals, grown, strict=True)]
        return self._totals[0], self._totals[1], restarts

    def _grown(self, raw: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return each counter's growth; None if they restarted, or fell and the board does not report why."""
        if self._raw is None:
            return None
        grown = tuple((now - before) % span for now, before, span in zip(raw, self._raw, self._spans, strict=True))
        return None if self._restarts_place is None and _fell(grown, self._spans) else grown


def _fell(grown: Iterable[int], spans: Iterable[int]) -> bool:
    """True if a counter grew by at least half of its span: it went back."""
    return any(more >= span // 2 for more, span in zip(grown, spans, strict=True))


class Kept:
    """Holding registers that keep what we wrote until the next power-up."""

    def __init__(self, unit: int) -> None:
        self._unit = unit
        self._held: dict[int, int] = {}
        self.changes = 0

    def forget(self) -> None:
        """Expect nothing of the board."""
        self._held.clear()
        self.changes += 1

    def hold(self, address: int, value: int, *, name: str, always: bool = False) -> Conversation[None]:
        """Write a register, unless it has the value, and read it back. Raises SetupError if it does not keep it."""
        if self._held.get(address) == value and not always:
            return
        if always or (yield from read(self._unit, READ_HOLDING, address, 1)) != (value,):
            yield from write(self._unit, address, value)
            (found,) = yield from read(self._unit, READ_HOLDING, address, 1)
            if found != value:
                raise SetupError(f"{name} (register {address}) reads {found} after {value} was written")
        self._held[address] = value
        self.changes += 1

    def in_image(self, image: Image) -> bool:
        """True if the board still holds all of it, as far as the reading shows."""
        return all(image.get((READ_HOLDING, address), value) == value for address, value in self._held.items())


class RegisterGrants:
    """Boards whose registers report the grants; nothing continues after an order or remains of it."""

    def __init__(self, profile: ModbusProfile, unit: int) -> None:
        self._places = (profile.status.granted_left, profile.status.granted_right)
        self._unit = unit

    def ready(self, ttl_ms: int) -> Conversation[None]:  # noqa: ARG002 - a block of registers holds it
        """Prepare for a grant."""
        yield from ()

    def settle(self, *, left: bool, stands: bool, count: int) -> None:
        """Note that a grant's result is known, or given up."""

    def shows_for_s(self, ttl_ms: int) -> float:
        """Return for how many seconds an accepted grant is visible."""
        return ttl_ms / 1000

    def tidy(self) -> Conversation[None]:
        """End pulses of ours whose time is over."""
        yield from ()

    def rest(self) -> Conversation[None]:
        """Wait until no pulse is active."""
        yield from ()

    def shown(self, image: Image) -> Sides:
        """Return the grants that the board shows."""
        left, right = (0 if place is None else number(place, image) for place in self._places)
        return left, right

    def left(self, image: Image, counts: Sides) -> Sides:  # noqa: ARG002
        """Return the outstanding grants."""
        return self.shown(image)


class TimedGrants(RegisterGrants):
    """One block: time to live, left, right. Boards of this kind have their own release."""

    def __init__(self, grant: Timed, profile: ModbusProfile, unit: int) -> None:
        super().__init__(profile, unit)
        self._grant = grant

    def order(self, ttl_ms: int, *, left: bool) -> Request:
        """Return the request that admits one traveller."""
        return WriteRequest(self._unit, self._grant.holding, (ttl_ms, int(left), int(not left)))

    def revoke(self) -> Conversation[None]:
        """Take every grant back."""
        # Not the grant's block: the echo of a late grant must not confirm a revoke.
        yield from write(self._unit, self._grant.holding + 1, 0, 0)

    def let_out(self, *, left: bool) -> Conversation[None]:  # noqa: ARG002 - there is no direction
        """Refuse."""
        yield from ()
        raise SetupError("the board has no release")


class PassageGrants(RegisterGrants):
    """Remaining passages, one register per side; the time to live has its own register. One passage out is the release."""

    def __init__(self, grant: Passages, profile: ModbusProfile, unit: int, kept: Kept) -> None:
        super().__init__(profile, unit)
        self._passages = grant
        self._kept = kept
        self._let_out: int | None = None  # the side
        self._let_out_shown = False

    def ready(self, ttl_ms: int) -> Conversation[None]:
        """Set the time to live, rounded down, so that no grant outlives the requested time."""
        grant = self._passages
        yield from self._kept.hold(grant.timer, ttl_ms // grant.timer_unit_ms, name="grant.timer")

    def order(self, ttl_ms: int, *, left: bool) -> Request:  # noqa: ARG002 - it is set already
        """Return the request that admits one traveller."""
        self._let_out = None
        return WriteRequest(self._unit, self._passages.holding + int(not left), (1,))

    def revoke(self) -> Conversation[None]:
        """Take every grant back."""
        yield from write(self._unit, self._passages.holding, 0, 0)
        self._let_out = None

    def let_out(self, *, left: bool) -> Conversation[None]:
        """Allow one passage in exit direction."""
        self._let_out, self._let_out_shown = int(not left), False
        yield from write(self._unit, self._passages.holding + int(not left), 1)

    def left(self, image: Image, counts: Sides) -> Sides:  # noqa: ARG002
        """Return the outstanding grants, without a release's passage."""
        shown = list(self.shown(image))
        if self._let_out is not None:
            if self._let_out_shown and not shown[self._let_out]:
                self._let_out = None
            else:
                self._let_out_shown |= bool(shown[self._let_out])
                shown[self._let_out] = 0
        return shown[0], shown[1]


class PulseGrants:
    """Three coils: left, right, stop. The gate's reaction to a pulse is known from its counters and its own timer."""

    def __init__(self, grant: Pulse, profile: ModbusProfile, unit: int, clock: Clock) -> None:
        self._grant = grant
        self._watchdog_s = (profile.watchdog.ms if profile.watchdog else 0) / 1000
        self._unit = unit
        self._clock = clock
        self._passage: AskedPassage | None = None
        self._let_out: int | None = None  # the side
        self._off_at_s: float | None = None
        self._pulsing = 0
        self._tidying = False

    def ready(self, ttl_ms: int) -> Conversation[None]:  # noqa: ARG002 - the gate's time is its own
        """Wait until no pulse is active, in particular no stop, and keep others off the coils until `settle`."""
        yield from self.rest()
        self._pulsing += 1

    def order(self, ttl_ms: int, *, left: bool) -> Request:  # noqa: ARG002
        """Return the request that begins the pulse."""
        self._let_out = None
        return CoilsRequest(self._unit, self._grant.coil + int(not left), (1,))

    def settle(self, *, left: bool, stands: bool, count: int) -> None:
        """Note that a grant's result is known, or given up."""
        self._end_pulse()
        if stands:
            self._passage = AskedPassage(int(not left), self._clock() + self._grant.lasts_ms / 1000, count)

    def shows_for_s(self, ttl_ms: int) -> float:  # noqa: ARG002
        """The coil stays on until we switch it off, or the watchdog does."""
        return self._watchdog_s

    def revoke(self) -> Conversation[None]:
        """End an active pulse, and pulse the stop."""
        yield from self._claim()
        try:
            yield from write_coils(self._unit, self._grant.coil, 0, 0)
            yield from write_coils(self._unit, self._grant.coil + 2, 1)
            self._passage = self._let_out = None
        finally:
            self._end_pulse()

    def let_out(self, *, left: bool) -> Conversation[None]:
        """Allow one passage in exit direction."""
        yield from self._claim()
        try:
            self._let_out = int(not left)
            yield from write_coils(self._unit, self._grant.coil + int(not left), 1)
        finally:
            self._end_pulse()

    def tidy(self) -> Conversation[None]:
        """End pulses whose time is over."""
        if self._pulsing or self._tidying or self._off_at_s is None or self._clock() < self._off_at_s:
            return
        self._tidying = True
        try:
            yield from write_coils(self._unit, self._grant.coil, 0, 0, 0)
            self._off_at_s = None
        finally:
            self._tidying = False

    def rest(self) -> Conversation[None]:
        """Wait until no pulse is active."""
        while self._tidying or self._pulsing or self._off_at_s is not None:
            wait_s = 0.0 if self._off_at_s is None else self._off_at_s - self._clock()
            yield Pause(max(_CLAIM_AGAIN_S, wait_s))
            yield from self.tidy()

    def shown(self, image: Image) -> Sides:
        """Return the coils that are on."""
        return image[READ_COILS, self._grant.coil], image[READ_COILS, self._grant.coil + 1]

    def left(self, image: Image, counts: Sides) -> Sides:
        """Return the outstanding grants: pulses, and passages that the gate has not ended or counted."""
        outstanding = list(self.shown(image))
        on = (*outstanding, image[READ_COILS, self._grant.coil + 2])
        if any(on) and self._off_at_s is None and not (self._pulsing or self._tidying):
            self._off_at_s = self._clock()  # a relay that is on without an order
        if self._let_out is not None:
            outstanding[self._let_out] = 0
        passage = self._passage
        if passage is not None and passage.is_over(self._clock(), counts):
            passage = self._passage = None
        if passage is not None:
            outstanding[passage.side] = 1
        return outstanding[0], outstanding[1]

    def _claim(self) -> Conversation[None]:
        """Keep `tidy` off the coils until `_end_pulse`."""
        while self._tidying:
            yield Pause(_CLAIM_AGAIN_S)
        self._pulsing += 1

    def _end_pulse(self) -> None:
        self._pulsing -= 1
        self._off_at_s = self._clock() + self._grant.pulse_ms / 1000


Grants = TimedGrants | PassageGrants | PulseGrants


def grants_of(profile: ModbusProfile, *, unit: int, kept: Kept, clock: Clock) -> Grants:
    """Return the kind of grants of a profile's board."""
    match profile.grant:
        case Timed() as timed:
            return TimedGrants(timed, profile, unit)
        case Passages() as passages:
            return PassageGrants(passages, profile, unit, kept)
        case Pulse() as pulse:
            return PulseGrants(pulse, profile, unit, clock)
