"""Requests to a board with short frames, and the meaning of its answers. No I/O; the clock is an argument.

All replies look alike and have no number, so an answer proves little. A grant whose answer is lost or doubtful is repeated only if two statuses,
requested after every late answer must have arrived, show a leaf at rest, no passage and no alarm (safety invariant 3; `drivers.barrier.promptness`).
A board does not report remaining grants: the session tracks them, and in doubt counts them as outstanding. Frames of another board, or without a
request, make the line doubtful: nothing is granted on it; if they continue, NotWellError is raised until a run of clean exchanges.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from drivers.barrier.framed.frames import ADDRESS, Heard
from drivers.barrier.framed.profile import FramedProfile, Reading
from drivers.barrier.orders import GrantFate, Pause
from drivers.barrier.promptness import Promptness
from gate_core.errors import LinkLostError, NoReplyError, NotWellError, RefusedError, SetupError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LeafPosition

ATTEMPTS_MAX = 4  # of a request that may be repeated; at the limit the caller hears NoReplyError
GRANT_ATTEMPTS_MAX = 3  # of a grant that provably never arrived
DOUBT_MAX = 8  # of a line; one odd exchange adds DOUBT_STEP, one clean exchange takes one away
DOUBT_STEP = 4
CALM_EXCHANGES_MAX = 3 * DOUBT_MAX  # until a doubtful line is clean, or the board is not well
AGREE_ATTEMPTS_MAX = 6  # two agreeing replies must be among so many when a line begins
GROWN_MAX = 1000  # passages between two looks; a counter that went further was set back
GUARD_S_MAX = 0.07  # for so long at most the line is listened to before anything is sent
COUNTS = 2**32  # as gate_core.ports.values has them
RESTARTS_UNKNOWN = 1  # of a board that does not count its power-ups: its counters show them
_BITS_A_CHARACTER = 10  # 8N1

_SHAPE = b""  # of all answers: they cannot be distinguished

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Request:
    """The bytes to send, and how long to listen afterwards: for a reply or, with nothing to send, for anything late."""

    wire: bytes
    listen_s: float
    grants: bool = False


Conversation = Generator[Request | Pause, Heard, Answer]


@dataclass(frozen=True, slots=True)
class _Outstanding:
    direction: Direction
    since_s: float


class Session:
    """The conversations with one board. Tracks its grants, its accepted state, and the line's doubt."""

    def __init__(
        self, *, profile: FramedProfile, baud: int, unit: int, entry_is_left: bool, clock: Callable[[], float]
    ) -> None:
        """Raises SetupError if the board cannot have such an address."""
        lowest, highest = profile.addresses
        if not lowest <= unit <= highest:
            raise SetupError(f"unit = {unit}: boards of this profile have the addresses {lowest} to {highest}")
        self._profile = profile
        self.unit = unit
        self._entry_is_left = entry_is_left
        self._clock = clock
        self.replies = profile.reply_layout()
        requests = profile.request_layout()
        self._wires = {
            name: requests.encode({ADDRESS: unit, **command}) for name, command in profile.commands.named().items()
        }
        wire_bytes = requests.length + self.replies.length
        wire_s = wire_bytes * _BITS_A_CHARACTER / baud
        self._prompt_s = wire_s + profile.timings.turnaround_ms_max / 1000
        self._late_s = wire_s + profile.timings.late_ms_max / 1000
        self._count_size = 1 << self.replies.widths[profile.status.passages_left]
        self._believed: Reading | None = None
        self._outstanding: _Outstanding | None = None
        self._counted = {Direction.ENTRY: 0, Direction.EXIT: 0}
        self._released_at_s: float | None = None
        self._doubt = 0
        self.promptness = Promptness()
        self._strangers = False

    @property
    def emergency(self) -> bool:
        """True while the board is known to be open in an emergency."""
        return self._believed is not None and (self._believed.fire or self._believed.emergency)

    @property
    def late(self) -> str:
        """Why nothing is granted on this line; empty if it answers in time."""
        if not self.promptness.is_late(self._clock()):
            return ""
        late_ms_max = self._profile.timings.late_ms_max
        return f"the line answers later than timings.late_ms_max = {late_ms_max}: what it says may be old"

    # ── conversations ────────────────────────────────────────────────────────────────────────────────────────────────

    def hello(self, *, revoke: bool = True) -> Conversation[BarrierStatus]:
        """Begin: make sure that only this board answers, and leave no earlier grant if `revoke`.

        Raises NotWellError while another board or unrequested answers are heard.
        """
        self._believed = None
        self.promptness.begin()
        believed = yield from self._agreed()
        self._begin_counting(believed)
        for _ in range(CALM_EXCHANGES_MAX):
            if not self._doubt:
                break
            yield from self._reading()
            yield from self._silence()
        else:
            raise NotWellError(self._what_is_odd())
        if revoke:
            yield from self.revoke()
        return (yield from self.status())

    def status(self) -> Conversation[BarrierStatus]:
        """Query everything that the board reports.

        Raises LinkLostError if it was powered up anew: earlier grants are unknown then, and `hello` is due.
        """
        believed = self._require_believed()
        seen = yield from self._reading()
        if seen.relaxes(believed):
            seen = seen.settled((yield from self._reading()), believed=believed)
        return self._believe(seen)

    def grant(self, direction: Direction, ttl_ms: int, *, before: BarrierStatus) -> Conversation[None]:
        """Admit one traveller. `before`: a status newer than any other order.

        Raises RefusedError if a grant is outstanding, in an emergency, on a doubtful line, or if the board refuses;
        NoReplyError if the grant's result stays unknown, after an attempt to take it back.
        """
        if before.fire or before.emergency_open:
            raise RefusedError("no grant in an emergency")
        if self._outstanding is not None:
            raise RefusedError("a grant is outstanding")
        if self.late:
            raise RefusedError(self.late)
        if self._doubt:
            raise RefusedError("another board, or an answer that nobody asked for, was heard a moment ago")
        name = "open_left" if self._is_left(direction) else "open_right"
        known = self._require_believed()
        for _ in range(GRANT_ATTEMPTS_MAX):
            asked_at_s = self._clock()
            self.promptness.grant()
            self._outstanding = _Outstanding(direction, asked_at_s)  # from here on it may stand, whatever is heard
            reply = yield from self._ask(name, grants=True)
            if reply is not None and self._is_done(reply):
                return
            fate = yield from self._fate_asked_for(before, known, direction)
            if fate is GrantFate.STANDS:
                return
            is_too_late = (
                self._clock() - asked_at_s >= min(ttl_ms, self._profile.timings.grant_ends_after_ms_min) / 1000
            )
            if fate is GrantFate.UNSURE or is_too_late or self.promptness.owed_before_grant:
                break  # a grant that has run out by now leaves no trace either
            self._outstanding = None
            if reply is not None:
                raise RefusedError("the board says that it does not carry out the grant")
        with contextlib.suppress(NoReplyError, RefusedError):  # then the board ends it by itself
            yield from self.revoke()
        raise NoReplyError("the fate of a grant stayed unknown; a revoke was sent")

    def revoke(self) -> Conversation[None]:
        """Take every grant back. Sends nothing in an emergency, when a closing command is forbidden (invariant 7)."""
        if not self.emergency:
            yield from self._answered("close")
            self._outstanding = self._released_at_s = None

    def release(self) -> Conversation[None]:
        """Open once in exit direction, so that people inside can leave. An accepted one that may not show yet is not repeated."""
        told_at_s = self._released_at_s
        if told_at_s is not None and self._clock() - told_at_s < self._profile.timings.opens_within_ms / 1000:
            return
        name = "open_left" if self._is_left(Direction.EXIT) else "open_right"
        for _ in range(ATTEMPTS_MAX):
            reply = yield from self._ask(name)
            if reply is None:
                # Openings may add up: a person who is free already is not freed again. In doubt, they are.
                reply = yield from self._ask("status")
                if reply is None or self._profile.status.reading(reply).position not in _OPENED:
                    continue
            if not self._is_done(reply):
                raise RefusedError("the board says that it does not carry out the release")
            self._released_at_s = self._clock()
            return
        raise NoReplyError("the board does not answer")

    def clear_alarms(self, alarms: Collection[Alarm]) -> Conversation[None]:
        """Clear alarms whose cause has ended, if the board has such a command; otherwise they end by themselves."""
        if alarms and "clear_alarms" in self._wires:
            yield from self._answered("clear_alarms")
        else:
            yield from self._reading()

    def end_emergency(self) -> Conversation[None]:
        """Return to normal and leave no earlier grant. Raises RefusedError while the cause lasts.

        The board may close on this command, so it is sent only after a status without fire.
        """
        status = yield from self.status()
        if status.fire:
            raise RefusedError("the fire input is active")
        yield from self._answered("end_emergency")
        yield from self.status()
        if self.emergency:
            raise RefusedError("the board stays in its emergency")
        yield from self.revoke()

    # ── what an answer means ─────────────────────────────────────────────────────────────────────────────────────────

    def _fate_asked_for(self, before: BarrierStatus, known: Reading, direction: Direction) -> Conversation[GrantFate]:
        """Wait for late answers and the leaf's movement, then query until two consecutive statuses agree."""
        timings = self._profile.timings
        try:
            yield Pause(max(timings.late_ms_max, timings.opens_within_ms) / 1000)
            first = yield from self._reading()
            after = yield from self._reading()
        except (NoReplyError, RefusedError):
            return GrantFate.UNSURE
        if self._doubt or first != after:
            return GrantFate.STANDS if after.position in _OPENED and first.position in _OPENED else GrantFate.UNSURE
        return grant_fate(before, known, after, passed=self._growth(known, after)[direction])

    def _agreed(self) -> Conversation[Reading]:
        """Return two consecutive replies that agree, when no state is accepted yet."""
        seen = yield from self._reading()
        for _ in range(AGREE_ATTEMPTS_MAX):
            yield from self._silence()
            again = yield from self._reading()
            if again.counts == seen.counts:
                self._believed = seen.settled(again, believed=again)
                return self._believed
            seen = again
        raise NotWellError("no two answers of the board agree: two boards with one address, or a bad line")

    def _believe(self, seen: Reading) -> BarrierStatus:
        """Store what must outlast a status, and return it in the lane's terms."""
        before, self._believed = self._require_believed(), seen
        grown = self._growth(before, seen)
        if (seen.powered_up and not before.powered_up) or any(grew is None for grew in grown.values()):
            raise LinkLostError("the board was powered up anew")
        for direction, grew in grown.items():
            self._counted[direction] = (self._counted[direction] + (grew or 0)) % COUNTS
        self._end_outstanding(seen, grown)
        return self._status(seen)

    def _end_outstanding(self, seen: Reading, grown: Mapping[Direction, int | None]) -> None:
        """End a grant with its passage, or when the leaf rests after the board's timer must have ended it."""
        granted = self._outstanding
        if granted is None:
            return
        ends_ms = self._profile.timings.grant_ends_after_ms_max
        has_run_out = ends_ms is not None and self._clock() - granted.since_s > ends_ms / 1000
        if grown[granted.direction] or (has_run_out and seen.is_closed):
            self._outstanding = None

    def _growth(self, before: Reading, seen: Reading) -> Mapping[Direction, int | None]:
        """Return each direction's counter growth; None if it was set back."""
        pairs = zip(self._directions(), before.counts, seen.counts, strict=True)
        return {direction: self._grown(old, new) for direction, old, new in pairs}

    def _grown(self, old: int, new: int) -> int | None:
        grew = (new - old) % self._count_size
        return grew if grew <= GROWN_MAX else None

    def _begin_counting(self, seen: Reading) -> None:
        """Continue the counters, which are longer than the board's, unless the board's were set back."""
        for direction, count in zip(self._directions(), seen.counts, strict=True):
            counted = self._counted[direction]
            grew = self._grown(counted % self._count_size, count)
            self._counted[direction] = count if grew is None else (counted + grew) % COUNTS

    def _status(self, seen: Reading) -> BarrierStatus:
        granted = self._outstanding
        return BarrierStatus(
            position=LeafPosition.UNKNOWN if self.late else seen.position,
            bodies=seen.bodies,
            count_entry=self._counted[Direction.ENTRY],
            count_exit=self._counted[Direction.EXIT],
            grants_left_entry=int(granted is not None and granted.direction is Direction.ENTRY),
            grants_left_exit=int(granted is not None and granted.direction is Direction.EXIT),
            fire=seen.fire,
            emergency_open=seen.emergency or seen.fire,
            alarms=seen.alarms,
            restarts=RESTARTS_UNKNOWN,
            may_be_old=bool(self.late),
        )

    def _directions(self) -> tuple[Direction, Direction]:
        """Return the directions that the board calls left and right."""
        return (Direction.ENTRY, Direction.EXIT) if self._entry_is_left else (Direction.EXIT, Direction.ENTRY)

    def _is_left(self, direction: Direction) -> bool:
        return (direction is Direction.ENTRY) is self._entry_is_left

    def _require_believed(self) -> Reading:
        if self._believed is None:
            raise LinkLostError("the board was not greeted")
        return self._believed

    # ── one exchange ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _reading(self) -> Conversation[Reading]:
        """Return one status that the board reports as done. Idempotent requests are repeated."""
        return self._profile.status.reading((yield from self._answered("status")))

    @property
    def _reply_s(self) -> float:
        return self._late_s if self.promptness.is_slow(self._clock()) else self._prompt_s

    def _silence(self) -> Conversation[None]:
        """Send nothing, and listen for other senders."""
        self._listen((yield Request(b"", self._reply_s)))

    def _answered(self, name: str) -> Conversation[Mapping[str, int]]:
        """Repeat an idempotent order until the board reports it as done."""
        refused, noise = False, 0
        for _ in range(ATTEMPTS_MAX):
            heard = yield from self._heard(Request(self._wires[name], self._reply_s))
            noise += heard.noise
            if heard.reply is not None:
                if self._is_done(heard.reply):
                    return heard.reply
                refused = True
        if refused:
            raise RefusedError("the board says that it does not carry this out")
        if noise >= self.replies.length:
            raise NoReplyError("what the board answers is garbled: two boards with one address, or a bad line")
        raise NoReplyError("the board does not answer")

    def _ask(self, name: str, *, grants: bool = False) -> Conversation[Mapping[str, int] | None]:
        return (yield from self._heard(Request(self._wires[name], self._reply_s, grants))).reply

    def _heard(self, request: Request) -> Conversation[Heard]:
        self.promptness.ask(_SHAPE, self._clock())
        heard = yield request
        # As many bytes as the reply has, and no frame among them, are the reply, broken.
        if heard.reply is None and heard.noise == self.replies.length and not heard.unasked:
            self.promptness.broken()
        if heard.reply is not None:
            self.promptness.answered(self._clock(), prompt_s=self._prompt_s + GUARD_S_MAX)
        self._listen(heard)
        return heard

    def _is_done(self, reply: Mapping[str, int]) -> bool:
        return self._profile.status.done.shows(reply)

    def _listen(self, heard: Heard) -> None:
        """Doubt the line if unrequested frames are heard. Raises NotWellError if this continues."""
        for _ in range(heard.unasked):
            self.promptness.overhear(_SHAPE, self._clock(), late_s=self._late_s)
        if not (heard.strangers or heard.unasked):
            self._doubt = max(0, self._doubt - 1)
            return
        self._doubt = min(DOUBT_MAX, self._doubt + DOUBT_STEP)
        self._strangers = heard.strangers > 0
        if self._doubt == DOUBT_MAX:
            raise NotWellError(self._what_is_odd())

    def _what_is_odd(self) -> str:
        if self._strangers:
            return f"another board than number {self.unit} answers on this line"
        return f"answers come that nobody asked for: too late, or from two boards with the number {self.unit}"


_OPENED = frozenset({LeafPosition.OPENING, LeafPosition.OPEN})


def grant_fate(before: BarrierStatus, known: Reading, after: Reading, *, passed: int | None) -> GrantFate:
    """Return a grant's result from two later statuses that agree. `passed`: in its direction, of all that is `known`."""
    if after.fire or after.emergency or after.powered_up or before.position is not LeafPosition.CLOSED:
        return GrantFate.UNSURE
    if passed or after.position in _OPENED:
        return GrantFate.STANDS
    is_as_before = after.is_closed and after.counts == known.counts and after.alarms <= known.alarms
    return GrantFate.NEVER_ARRIVED if is_as_before else GrantFate.UNSURE
