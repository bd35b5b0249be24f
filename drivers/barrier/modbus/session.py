"""What is said to a Modbus barrier controller, and what its answers mean. No I/O, no clock.

Each order is a conversation: a generator that yields one request at a time and is sent the reply, or None for silence
past the deadline. Reads, revokes and releases are absolute and are repeated after silence. A grant is never repeated
blindly: the controller is asked for its status first, and the grant goes out again only if it provably never arrived
(safety invariant 3). What a conversation raises is the drivers' error tree.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Collection, Generator
from typing import TypeVar

from drivers.barrier.modbus.frames import (
    READ_HOLDING,
    READ_INPUT,
    ExceptionReply,
    ReadRequest,
    Registers,
    Reply,
    Request,
)
from drivers.barrier.modbus.frames import WriteRequest as Write
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.errors import LinkLostError, NoReplyError, RefusedError, SetupError
from drivers.values import BarrierAlarm, BarrierStatus, Direction, LampColour, LeafPosition

ATTEMPTS_MAX = 4  # of a request that may be repeated; at the limit the caller hears NoReplyError
GRANT_ATTEMPTS_MAX = 4  # of a grant that provably never arrived
_BITS_A_CHARACTER = 10  # 8N1
_BUSY = frozenset({5, 6})

Answer = TypeVar("Answer")
Conversation = Generator[Request, Reply | None, Answer]


class GrantFate(enum.Enum):
    """What a status tells about a grant whose reply was lost."""

    STANDS = enum.auto()
    NEVER_ARRIVED = enum.auto()
    UNSURE = enum.auto()


class Session:
    """The conversations with one controller. Remembers its power-ups and whether it is in an emergency."""

    def __init__(self, *, profile: ModbusProfile, baud: int, unit: int, entry_is_left: bool) -> None:
        self.emergency = False
        self._profile = profile
        self._baud = baud
        self._unit = unit
        self._entry_is_left = entry_is_left
        self._restarts: int | None = None
        self._spare = 0

    def reply_deadline_s(self, request: Request) -> float:
        """How long a reply may take from the first byte of its request on: both frames on the wire, and the turnaround."""
        wire_bytes = len(request.wire) + request.reply_bytes
        return wire_bytes * _BITS_A_CHARACTER / self._baud + self._profile.turnaround_ms_max / 1000

    def is_grant(self, request: Request) -> bool:
        """True for the one request that may let somebody through."""
        return isinstance(request, Write) and request.address == self._profile.grant.address

    def hello(self) -> Conversation[BarrierStatus]:
        """Begin: check what board this is, arm its host watchdog, and leave no grant behind from before.

        Raises SetupError when the board is another one or its watchdog does not take.
        """
        identity = self._profile.identity
        found = yield from self._read(READ_INPUT, identity.address, len(identity.expected))
        if found != identity.expected:
            raise SetupError(f"the controller says it is {found}, the profile expects {identity.expected}")
        self._restarts = None
        status = yield from self.status()
        watchdog = self._profile.watchdog
        yield from self._write(watchdog.address, watchdog.ms)
        if (armed := (yield from self._read(READ_HOLDING, watchdog.address, 1))) != (watchdog.ms,):
            raise SetupError(f"the host watchdog reads {armed[0]} ms after {watchdog.ms} ms was written")
        if not self.emergency:
            yield from self.revoke()
            status = yield from self.status()
            if status.grants_left_entry or status.grants_left_exit:
                raise SetupError("the controller keeps a grant that was revoked")
        return status

    def status(self) -> Conversation[BarrierStatus]:
        """Ask for everything the controller reports.

        Raises LinkLostError when it was powered up anew: its watchdog is unarmed then, and `hello` is due.
        """
        block = self._profile.status
        for _ in range(ATTEMPTS_MAX):
            # Another length than last time: a late answer to an earlier question cannot pass for this one's.
            self._spare = block.registers_spare - self._spare
            reply = yield ReadRequest(self._unit, READ_INPUT, block.address, block.registers + self._spare)
            if reply is not None and not _is_busy(reply):
                return self._seen(self._status_from(_values(reply)))
        raise NoReplyError("the controller does not answer")

    def grant(
        self, direction: Direction, ttl_ms: int, *, before: BarrierStatus, clock: Callable[[], float]
    ) -> Conversation[None]:
        """Let one traveller through. `before` is a status younger than any other order, `clock` gives seconds.

        Raises RefusedError when a grant is outstanding, in an emergency, or when the controller says no; NoReplyError
        when the grant's fate stays unknown, after an attempt to take it back.
        """
        if before.fire or before.emergency_open:
            raise RefusedError("no grant in an emergency")
        if before.grants_left_entry or before.grants_left_exit:
            raise RefusedError("a grant is outstanding")
        block = self._profile.grant
        left = (direction is Direction.ENTRY) is self._entry_is_left
        order = Write(self._unit, block.address, (ttl_ms, int(left), int(not left)))
        for _ in range(GRANT_ATTEMPTS_MAX):
            asked_at_s = clock()
            reply = yield order
            if reply is not None:
                _values(reply)
                return
            fate = yield from self._fate_asked_for(before, direction)
            if fate is GrantFate.STANDS:
                return
            if fate is GrantFate.UNSURE or clock() - asked_at_s >= ttl_ms / 1000:
                break  # a grant that has run out by now leaves no trace either
        with contextlib.suppress(NoReplyError, RefusedError):  # then the controller ends it by itself
            yield from self.revoke()
        raise NoReplyError("the fate of a grant stayed unknown; a revoke was sent")

    def revoke(self) -> Conversation[None]:
        """Take every grant back. Says nothing in an emergency, when a closing command must not be sent (invariant 7)."""
        if not self.emergency:
            # Not the grant's block: the echo of a late grant must not confirm a revoke.
            yield from self._write(self._profile.grant.address + 1, 0, 0)

    def release(self) -> Conversation[None]:
        """Open so that whoever is inside can leave."""
        yield from self._write(self._profile.release.address, self._profile.release.value)

    def lamp(self, colour: LampColour) -> Conversation[None]:
        """Show a colour."""
        yield from self._write(self._profile.lamp.address, self._profile.lamp.colours[colour])

    def clear_alarms(self, alarms: Collection[BarrierAlarm]) -> Conversation[None]:
        """Clear those of these whose cause is gone; all others stay, also one that nobody has seen yet."""
        bits = (1 << bit for bit, alarm in enumerate(self._profile.status.alarm_bits) if alarm in alarms)
        yield from self._write(self._profile.clear_alarms.address, sum(bits))

    def end_emergency(self) -> Conversation[None]:
        """Go back to normal and leave no grant from before. Raises RefusedError while the cause lasts."""
        yield from self._write(self._profile.end_emergency.address, self._profile.end_emergency.value)
        yield from self.status()
        if self.emergency:
            raise RefusedError("the controller stays in its emergency")
        yield from self.revoke()

    def _fate_asked_for(self, before: BarrierStatus, direction: Direction) -> Conversation[GrantFate]:
        try:
            after = yield from self.status()
        except (NoReplyError, RefusedError):
            return GrantFate.UNSURE
        return grant_fate(before, after, direction)

    def _read(self, function: int, address: int, count: int) -> Conversation[tuple[int, ...]]:
        return _values((yield from _insist(ReadRequest(self._unit, function, address, count))))

    def _write(self, address: int, *values: int) -> Conversation[None]:
        _values((yield from _insist(Write(self._unit, address, values))))

    def _seen(self, status: BarrierStatus) -> BarrierStatus:
        """Remember what must outlast a status."""
        if self._restarts is not None and status.restarts != self._restarts:
            raise LinkLostError("the controller was powered up anew")
        self._restarts = status.restarts
        self.emergency = status.fire or status.emergency_open
        return status

    def _status_from(self, registers: tuple[int, ...]) -> BarrierStatus:
        block = self._profile.status
        passages = [registers[at] << 16 | registers[at + 1] for at in (block.passages_left, block.passages_right)]
        granted = [registers[block.granted_left], registers[block.granted_right]]
        if not self._entry_is_left:
            passages.reverse()
            granted.reverse()
        return BarrierStatus(
            position=block.positions.get(registers[block.position], LeafPosition.UNKNOWN),
            bodies=registers[block.bodies],
            count_entry=passages[0],
            count_exit=passages[1],
            grants_left_entry=granted[0],
            grants_left_exit=granted[1],
            fire=bool(registers[block.inputs] >> block.fire_bit & 1),
            emergency_open=registers[block.mode] == block.mode_emergency,
            alarms=frozenset(alarm for bit, alarm in enumerate(block.alarm_bits) if registers[block.alarms] >> bit & 1),
            restarts=registers[block.restarts],
        )


def grant_fate(before: BarrierStatus, after: BarrierStatus, direction: Direction) -> GrantFate:
    """What became of a grant, judged from a status asked for behind it: a serial line keeps the order."""
    entry = direction is Direction.ENTRY
    left = after.grants_left_entry if entry else after.grants_left_exit
    passed = after.count_entry != before.count_entry if entry else after.count_exit != before.count_exit
    if left or passed:
        return GrantFate.STANDS
    at_rest = after.position is LeafPosition.CLOSED and not (after.fire or after.emergency_open)
    # A host watchdog that ran out may have cleared the grant.
    cleared = BarrierAlarm.HOST_LOST in after.alarms - before.alarms
    return GrantFate.NEVER_ARRIVED if at_rest and not cleared else GrantFate.UNSURE


def _insist(request: Request) -> Conversation[Reply]:
    """Repeat a request that does no harm twice until it is answered; a controller that has no time now is asked again, too."""
    busy: Reply | None = None
    for _ in range(ATTEMPTS_MAX):
        reply = yield request
        if reply is not None and not _is_busy(reply):
            return reply
        busy = reply or busy
    if busy is not None:
        return busy
    raise NoReplyError("the controller does not answer")


def _is_busy(reply: Reply) -> bool:
    """Modbus Application Protocol V1.1b3 §7: 05 acknowledge and 06 server device busy ask to come again later."""
    return isinstance(reply, ExceptionReply) and reply.code in _BUSY


def _values(reply: Reply) -> tuple[int, ...]:
    match reply:
        case Registers(values):
            return values
        case ExceptionReply(code):
            raise RefusedError(f"the controller refused with exception {code}")
