"""Requests to a Modbus barrier controller, and the meaning of its answers. No I/O; the clock is an argument.

Each order is a generator: it yields one request at a time and receives the reply, or None after the deadline. Reads, revokes and releases are
repeated after silence; a grant only if the controller's status proves that it never arrived (safety invariant 3; `drivers.barrier.promptness`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection

from drivers.barrier.modbus.grants import Conversation, Counts, Kept, grants_of
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.orders import GrantFate, Pause
from drivers.barrier.promptness import Promptness
from drivers.modbus.exchange import ATTEMPTS_MAX, insist, is_busy, read, reply_deadline_s, values, write, write_coils
from drivers.modbus.frames import ReadRequest, Reply, Request, find_reply
from drivers.modbus.tables import Cell, Image, Read, holds, number
from gate_core.errors import NoReplyError, RefusedError, SetupError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LampColour, LeafPosition

GRANT_ATTEMPTS_MAX = 4  # of a grant that provably never arrived


class Session:
    """The conversations with one controller. Tracks its power-ups and emergency. `clock` gives seconds."""

    def __init__(
        self, *, profile: ModbusProfile, baud: int, unit: int, entry_is_left: bool, clock: Callable[[], float]
    ) -> None:
        self.emergency = False
        self._profile = profile
        self._baud = baud
        self._unit = unit
        self._entry_is_left = entry_is_left
        self._clock = clock
        self._counts = Counts(profile)
        self._kept = Kept(unit)
        self._grants = grants_of(profile, unit=unit, kept=self._kept, clock=clock)
        self._order: Request | None = None
        self._beginning = False  # while `hello` runs
        self.promptness = Promptness()
        self._shapes: dict[bytes, Request] = {}  # of every answer that was ever awaited
        self._questions = [_questions(one, unit) for one in profile.reads]
        self._answers = [{question.reply_head for question in pair} for pair in self._questions]
        self._next_read = 0
        self._asked_longer = [False] * len(profile.reads)

    def reply_deadline_s(self, request: Request) -> float:
        """Return the longest time of a reply, from the first byte of its request."""
        slow = self.promptness.is_slow(self._clock())
        return self._deadline_s(request, self._profile.late_ms_max if slow else self._profile.turnaround_ms_max)

    def _deadline_s(self, request: Request, turnaround_ms_max: int) -> float:
        return reply_deadline_s(request, baud=self._baud, turnaround_ms_max=turnaround_ms_max)

    def asks(self, request: Request) -> None:
        """Note a request that is about to be written."""
        if self.is_grant(request):
            self.promptness.grant()
        self._shapes.setdefault(request.reply_head, request)
        self.promptness.ask(request.reply_head, self._clock())

    def hears(self, request: Request, reply: Reply | None, others: bytes) -> None:
        """Note the result of a request, and other bytes. Bytes of the reply's length without an answer count as the reply, damaged."""
        if not self.overhears(others, self._clock()) and reply is None and len(others) == request.reply_bytes:
            self.promptness.broken()
        if reply is not None:
            prompt_s = self._deadline_s(request, self._profile.turnaround_ms_max)
            self.promptness.answered(self._clock(), prompt_s=prompt_s)

    def overhears(self, heard: bytes, now_s: float) -> int:
        """Note bytes that arrived while nothing, or something else, was awaited; return the number of answers among them."""
        found = 0
        if not heard:
            return found
        for shape, request in self._shapes.items():
            rest = bytearray(heard)
            while find_reply(rest, request)[0] is not None:
                late_s = self._deadline_s(request, self._profile.late_ms_max)
                self.promptness.overhear(shape, now_s, late_s=late_s)
                found += 1
        return found

    @property
    def late(self) -> str:
        """Why nothing is granted on this line; empty if it answers in time."""
        if not self.promptness.is_late(self._clock()):
            return ""
        return f"the line answers later than late_ms_max = {self._profile.late_ms_max}: what it says may be old"

    def is_grant(self, request: Request) -> bool:
        """True for the request that may admit a person."""
        return request is self._order

    def hello(self, *, revoke: bool = True) -> Conversation[BarrierStatus]:
        """Begin: check the board's identity, arm its host watchdog, and leave no earlier grant if `revoke`.

        Raises SetupError for another board, or if its watchdog does not accept the value.
        """
        self._beginning = True
        try:
            return (yield from self._begun(revoke=revoke))
        finally:
            self._beginning = False

    def _begun(self, *, revoke: bool) -> Conversation[BarrierStatus]:
        self.promptness.begin()
        identity = self._profile.identity
        if identity is not None:
            ((function, address),) = identity.places
            found = yield from read(self._unit, function, address, len(identity.expected))
            if found != identity.expected:
                raise SetupError(f"the board says it is {found}, the profile expects {identity.expected}")
        self._counts.await_anew()
        self._grants = grants_of(self._profile, unit=self._unit, kept=self._kept, clock=self._clock)
        status = yield from self._look()
        yield from self._arm()
        if revoke and not self.emergency:
            yield from self.revoke()
            status = yield from self._look()
            if status.grants_left_entry or status.grants_left_exit:
                raise SetupError("the controller keeps a grant that was revoked")
        return status

    def _arm(self) -> Conversation[None]:
        """Write the registers that the board loses; before that nothing is expected of them."""
        self._kept.forget()
        if (watchdog := self._profile.watchdog) is not None:
            yield from self._kept.hold(watchdog.holding, watchdog.value, name="the host watchdog", always=True)
        for setting in self._profile.settings:
            yield from self._kept.hold(setting.holding, setting.value, name="a setting")

    def status(self) -> Conversation[BarrierStatus]:
        """Query everything that the controller reports.

        Raises LinkLostError if it was powered up anew: its watchdog is unarmed then, and `hello` is due.
        """
        # `hello` holds the line until its revoke, which waits for tidying to end: tidying beside it would block both for ever.
        if not (self.emergency or self._beginning):
            yield from self._grants.tidy()
        return (yield from self._look())

    def _look(self, shunned: frozenset[bytes] = frozenset()) -> Conversation[BarrierStatus]:
        """Read every stretch at least once, in rotation: two consecutive questions never have answers of the same shape.

        A question whose answer has one of the `shunned` shapes is used only if there is no other.
        """
        reads, image, changes = self._profile.reads, dict[Cell, int](), self._kept.changes
        missing, silent = set(range(len(reads))), 0
        for _ in range(ATTEMPTS_MAX * len(reads)):
            at = self._next_read
            self._next_read = (at + 1) % len(reads)
            # Another length than last time: a late answer to an earlier question cannot pass for this one's.
            self._asked_longer[at] = not self._asked_longer[at]
            question = self._questions[at][self._asked_longer[at]]
            if question.reply_head in shunned:
                question = self._questions[at][not self._asked_longer[at]]
            reply = yield question
            silent = silent + 1 if reply is None else 0
            if silent >= ATTEMPTS_MAX:
                break
            if reply is not None and not is_busy(reply):
                image.update(zip(reads[at].cells, values(reply), strict=False))  # with or without the spare
                missing.discard(at)
            if not missing:
                return self._seen(image, changes)
        raise NoReplyError("the board does not answer")

    def grant(self, direction: Direction, ttl_ms: int, *, before: BarrierStatus) -> Conversation[None]:
        """Admit one traveller. `before`: a status newer than any other order.

        Raises RefusedError if a grant is outstanding, in an emergency, or if the controller refuses; NoReplyError if
        the grant's result stays unknown, after an attempt to take it back.
        """
        if before.fire or before.emergency_open:
            raise RefusedError("no grant in an emergency")
        if before.grants_left_entry or before.grants_left_exit:
            raise RefusedError("a grant is outstanding")
        if self.late:
            raise RefusedError(self.late)
        yield from self._grants.ready(ttl_ms)
        stands = False
        try:
            stands = yield from self._granted(direction, ttl_ms, before=before)
        finally:
            count = before.count_entry if direction is Direction.ENTRY else before.count_exit
            self._grants.settle(left=self._is_left(direction), stands=stands, count=count)
        if not stands:
            with contextlib.suppress(NoReplyError, RefusedError):  # then the controller ends it by itself
                yield from self.revoke()
            raise NoReplyError("the fate of a grant stayed unknown; a revoke was sent")

    def _granted(self, direction: Direction, ttl_ms: int, *, before: BarrierStatus) -> Conversation[bool]:
        """Send a grant until it stands; False if that stays unknown."""
        for _ in range(GRANT_ATTEMPTS_MAX):
            asked_at_s = self._clock()
            self._order = self._grants.order(ttl_ms, left=self._is_left(direction))
            reply = yield self._order
            if reply is not None:
                values(reply)
                return True
            fate = yield from self._fate_asked_for(before, direction)
            if fate is GrantFate.STANDS:
                return True
            if fate is GrantFate.UNSURE or self._clock() - asked_at_s >= self._grants.shows_for_s(ttl_ms):
                return False  # a grant that has run out by now leaves no trace either
        return False

    def revoke(self) -> Conversation[None]:
        """Take every grant back. Sends nothing in an emergency, when a closing command is forbidden (invariant 7)."""
        if not self.emergency:
            yield from self._grants.revoke()

    def release(self) -> Conversation[None]:
        """Open so that people inside can leave: by the board's release, or one passage in exit direction."""
        if (release := self._profile.release) is not None:
            yield from write(self._unit, release.holding, release.value)
        else:
            yield from self._grants.let_out(left=self._is_left(Direction.EXIT))

    def lamp(self, colour: LampColour) -> Conversation[None]:
        """Show a colour, if the board has a lamp."""
        lamp = self._profile.lamp
        if lamp is None:
            return
        value = lamp.colours[colour]
        if lamp.holding is not None:
            yield from write(self._unit, lamp.holding, value)
        elif lamp.coil is not None:
            yield from write_coils(self._unit, lamp.coil, *(value >> at & 1 for at in range(lamp.count)))

    def clear_alarms(self, alarms: Collection[Alarm]) -> Conversation[None]:
        """Clear those of these alarms whose cause has ended; all others stay, also unseen ones."""
        if (command := self._profile.clear_alarms) is not None:
            bits = (place.bit for alarm, place in self._profile.alarms.items() if alarm in alarms)
            yield from write(self._unit, command.holding, sum(1 << bit for bit in bits if bit is not None))

    def end_emergency(self) -> Conversation[None]:
        """Return to normal and leave no earlier grant. Raises RefusedError while the cause lasts.

        A board without such a command ends its emergency itself: its status is checked.
        """
        if (command := self._profile.end_emergency) is not None:
            yield from write(self._unit, command.holding, command.value)
        yield from self._look()
        if self.emergency:
            raise RefusedError("the controller stays in its emergency")
        yield from self.revoke()

    def rest(self) -> Conversation[None]:
        """Wait until no contact closed by us is closed."""
        yield from self._grants.rest()

    def _is_left(self, direction: Direction) -> bool:
        return (direction is Direction.ENTRY) is self._entry_is_left

    def _fate_asked_for(self, before: BarrierStatus, direction: Direction) -> Conversation[GrantFate]:
        pieces = self._unmistakable()
        try:
            if pieces:
                after = yield from self._asked_in(pieces)
            else:
                late_ms = self._profile.late_ms_max - self._profile.turnaround_ms_max  # its deadline is over already
                yield Pause(late_ms / 1000)
                after = yield from self._look(self.promptness.owed_before_grant)
        except (NoReplyError, RefusedError):
            return GrantFate.UNSURE
        fate = grant_fate(before, after, direction)
        is_doubtful = not pieces and self.promptness.may_be_from_before_grant(self._answers)
        if fate is GrantFate.NEVER_ARRIVED and is_doubtful:
            return GrantFate.UNSURE
        tells_of_leaf = self._profile.status.position is not None or self._profile.status.closed is not None
        if fate is GrantFate.NEVER_ARRIVED and after.bodies and not tells_of_leaf:
            return GrantFate.UNSURE  # a person may be passing on it, not counted yet
        return fate

    def _unmistakable(self) -> list[tuple[int, int, ReadRequest]]:
        """Return questions for every stretch, complete or in two pieces, whose answers have a shape that no recent
        question has: stretch and first cell. Empty if a stretch is too short for that.
        """
        taken, found = set(self.promptness.recent(self._clock())), list[tuple[int, int, ReadRequest]]()
        for at, stretch in enumerate(self._profile.reads):
            ((function, address),) = stretch.places
            whole = [((0, stretch.count + more),) for more in range(stretch.spare + 1)]
            halves = [((0, cut), (cut, stretch.count - cut)) for cut in range(1, stretch.count)]
            for pieces in (*whole, *halves):
                asked = [
                    (at, start, ReadRequest(self._unit, function, address + start, count)) for start, count in pieces
                ]
                shapes = {question.reply_head for _, _, question in asked}
                if len(shapes) == len(asked) and not shapes & taken:
                    break
            else:
                return []
            taken |= shapes
            found += asked
        return found

    def _asked_in(self, pieces: list[tuple[int, int, ReadRequest]]) -> Conversation[BarrierStatus]:
        image, changes = dict[Cell, int](), self._kept.changes
        for at, start, question in pieces:
            read_now = values((yield from insist(question)))
            cells = self._profile.reads[at].cells[start:]
            image.update(zip(cells, read_now, strict=False))  # with or without the spare
        return self._seen(image, changes)

    def _seen(self, image: Image, changes: int) -> BarrierStatus:
        """Convert a reading to a status, and store what must outlast it. `changes`: those of `_kept` when it began. Raises LinkLostError."""
        kept = changes != self._kept.changes or self._kept.in_image(image)
        left, right, restarts = self._counts.see(image, kept=kept)
        passages, granted = [left, right], list(self._grants.left(image, (left, right)))
        if not self._entry_is_left:
            passages.reverse()
            granted.reverse()
        places, alarms = self._profile.status, self._profile.alarms
        bodies = sum(holds(place, image) for place in places.presence)
        fire = holds(places.fire, image)
        emergency_open = holds(places.fire if places.emergency is None else places.emergency, image)
        self.emergency = fire or emergency_open
        raised = frozenset(alarm for alarm, place in alarms.items() if holds(place, image))
        return BarrierStatus(
            position=self._position(image, raised),
            bodies=bodies if places.bodies is None else number(places.bodies, image),
            count_entry=passages[0],
            count_exit=passages[1],
            grants_left_entry=granted[0],
            grants_left_exit=granted[1],
            fire=fire,
            emergency_open=emergency_open,
            alarms=raised,
            restarts=restarts,
            may_be_old=bool(self.late),
        )

    def _position(self, image: Image, alarms: Collection[Alarm]) -> LeafPosition:
        """Return the leaf's position; without a report closed while nothing is granted or wrong. On a late line unknown."""
        places = self._profile.status
        if self.late:
            return LeafPosition.UNKNOWN
        if places.position is not None:
            return places.positions.get(number(places.position, image), LeafPosition.UNKNOWN)
        if places.closed is not None:
            return LeafPosition.CLOSED if holds(places.closed, image) else LeafPosition.UNKNOWN
        if any(self._grants.shown(image)) or self.emergency:
            return LeafPosition.OPEN
        return LeafPosition.UNKNOWN if alarms else LeafPosition.CLOSED


def _questions(stretch: Read, unit: int) -> tuple[ReadRequest, ReadRequest]:
    """Return a stretch's requests, without and with spare registers. They never change, so their frames are computed once."""
    ((function, address),) = stretch.places
    least, most = (ReadRequest(unit, function, address, stretch.count + more) for more in (0, stretch.spare))
    return least, most


def grant_fate(before: BarrierStatus, after: BarrierStatus, direction: Direction) -> GrantFate:
    """Return a grant's result from a status requested after it: a serial line keeps the order."""
    entry = direction is Direction.ENTRY
    left = after.grants_left_entry if entry else after.grants_left_exit
    passed = after.count_entry != before.count_entry if entry else after.count_exit != before.count_exit
    if left or passed:
        return GrantFate.STANDS
    at_rest = after.position is LeafPosition.CLOSED and not (after.fire or after.emergency_open)
    # A host watchdog that ran out may have cleared the grant.
    cleared = Alarm.HOST_LOST in after.alarms - before.alarms
    return GrantFate.NEVER_ARRIVED if at_rest and not cleared else GrantFate.UNSURE
