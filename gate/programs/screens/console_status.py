"""A lane's state for consoles (`gate_core.console_link`), and its feed: one request to the lane serves all consoles."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

import msgspec
from msgspec.structs import replace

from gate.channel.order_messages import Look, Waiting
from gate.programs.shared.aligned_timer import loop_s
from gate.programs.shared.config import Config
from gate.programs.shared.degraded_modes import modes_now
from gate.programs.shared.program_status import ProgramStatus
from gate_core import console_link
from gate_core.programs.task_groups import wait_at_most
from gate_core.web_pages.fanout import Fanout, FanoutError, Latest

FINDINGS_MAX: Final = 8  # latest referrals that are sent with findings, as an event is limited
WAITING_BYTES_MAX: Final = console_link.EVENT_BYTES_MAX * 5 // 8  # of an event; its other fields are short
AGES_APART_S: Final = 1.0  # ages that differ by less count as equal
EVERY_S: Final = 0.5  # maximum interval of requests to the lane
APART_S: Final = 0.125  # minimum interval


class Feed:
    """Streams the lane's state to consoles. `look`: returns the present state, and never fails."""

    def __init__(self, look: Callable[[], Awaitable[console_link.LaneEvent]], *, streams_max: int) -> None:
        self._look = look
        self._watched = asyncio.Event()
        self._changed = asyncio.Event()
        self._streams: Fanout[Sight] = Fanout(clients_max=streams_max, on_change=self._count)
        self._latest: Sight | None = None

    @property
    def streams(self) -> int:
        """The number of consoles that watch."""
        return self._streams.clients

    def changed(self) -> None:
        """Request the lane's state now."""
        self._changed.set()

    async def run(self) -> NoReturn:
        """Request the lane's state while a console watches."""
        while True:
            await self._watched.wait()
            self._changed.clear()
            lane = await self._look()
            self._tell(Sight(loop_s(), lane))
            await asyncio.sleep(APART_S)
            await wait_at_most(self._changed, EVERY_S - APART_S)

    async def events(self) -> AsyncIterator[bytes]:
        """Yield one console's events: the state now, then each change, or a beat without one. Ends with the feed."""
        with contextlib.suppress(FanoutError), self._watch() as sights:
            while True:
                try:
                    async with asyncio.timeout(console_link.BEAT_S):
                        sight = await sights.take()
                except TimeoutError:
                    yield console_link.BEAT
                else:
                    yield console_link.event(sight.at(loop_s()))

    def close(self) -> None:
        """End all streams."""
        self._streams.close()

    @contextlib.contextmanager
    def _watch(self) -> Iterator[Latest[Sight]]:
        with self._streams.join() as sights:
            if self._latest is not None:
                sights.put(self._latest)
            self._changed.set()
            yield sights

    def _tell(self, sight: Sight) -> None:
        if self.streams and (self._latest is None or not sight.says_no_more_than(self._latest)):
            self._latest = sight
            self._streams.send(sight)

    def _count(self) -> None:
        if self._streams.clients:
            self._watched.set()
        else:
            self._watched.clear()
            self._latest = None  # the next console gets no old state


@dataclass(frozen=True, slots=True)
class Sight:
    """A lane's state, and its time in seconds."""

    taken_s: float
    lane: console_link.LaneEvent

    def at(self, now_s: float) -> console_link.LaneEvent:
        """Return the state with ages increased to `now_s`."""
        older_s = max(0.0, now_s - self.taken_s)
        return replace(
            self.lane,
            waiting=[
                one if one.waiting_s is None else replace(one, waiting_s=one.waiting_s + older_s)
                for one in self.lane.waiting
            ],
            officers=[replace(one, seen_s=one.seen_s + older_s) for one in self.lane.officers],
        )

    def says_no_more_than(self, before: Sight) -> bool:
        """True if it adds nothing to `before` but ages."""
        then = before.at(self.taken_s)
        ages = zip(_ages(then), _ages(self.lane), strict=False)
        return _ageless(then) == _ageless(self.lane) and all(abs(old - new) < AGES_APART_S for old, new in ages)


def _ages(lane: console_link.LaneEvent) -> list[float]:
    return [one.waiting_s or 0.0 for one in lane.waiting] + [one.seen_s for one in lane.officers]


def _ageless(lane: console_link.LaneEvent) -> console_link.LaneEvent:
    return replace(
        lane,
        waiting=[replace(one, waiting_s=None) for one in lane.waiting],
        officers=[replace(one, seen_s=0.0) for one in lane.officers],
    )


def lane_event(boot: str, config: Config, look: Look | None, told: ProgramStatus) -> console_link.LaneEvent:
    """Return the event. Without `look` the lane does not answer, and fields of its status are omitted."""
    lane = told.lane if look is not None else type(told.lane)()
    return console_link.LaneEvent(
        boot=boot,
        gate=config.gate_id,
        purpose=config.purpose.value,
        mode=config.mode,
        state=None if look is None else look.state,
        in_service=lane.in_service,
        direction=None if look is None else look.direction.value,
        travellers=None if look is None else look.travellers,
        version=None if look is None else look.version,
        running=None if look is None else look.running,
        waiting=[] if look is None else _waiting(look.referred),
        alarms=[] if look is None else [alarm.value for alarm in look.alarms],
        notices=[] if look is None else [notice.value for notice in look.notices],
        closed_by=None if look is None else look.closed_by,
        officers=[]
        if look is None
        else [console_link.Present(officer=one.officer, seen_s=one.seen_ms / 1000) for one in look.present],
        lost=lane.lost,
        degraded=[
            console_link.Without(mode=one.name, effect=one.effect, tell=one.tell) for one in modes_now(told, config)
        ],
        last=lane.counters.last,
        flags=[] if look is None else _flags(look),
    )


def _flags(look: Look) -> list[str]:
    """Return the concerns about travellers who do not wait, each once. Others are sent with their referral."""
    return list(dict.fromkeys(one.concern.value for one in look.flags if one.crossing in {None, look.running}))


def _waiting(referred: Sequence[Waiting]) -> list[console_link.Waits]:
    """Return all referrals, with as many findings as fit into an event."""
    for full, details in ((FINDINGS_MAX, True), (FINDINGS_MAX, False)):
        waiting = [_waits(one, full=at < full, details=details) for at, one in enumerate(referred)]
        if len(msgspec.json.encode(waiting)) <= WAITING_BYTES_MAX:
            return waiting
    return [_waits(one, full=False, details=False) for one in referred]


def _reasons(one: Waiting, *, details: bool) -> list[console_link.Why]:
    """Return each reason with details; if these are too many or do not fit, each reason once."""
    if details and len(one.objections) <= console_link.REASONS_MAX:
        return [console_link.Why(reason=each.reason.value, detail=each.detail) for each in one.objections]
    return [console_link.Why(reason=reason.value) for reason in dict.fromkeys(each.reason for each in one.objections)]


def _waits(one: Waiting, *, full: bool, details: bool) -> console_link.Waits:
    return console_link.Waits(
        crossing=one.crossing,
        waiting_s=one.since_ms / 1000,
        reasons=_reasons(one, details=details),
        findings=msgspec.to_builtins(one.findings) if full and one.findings is not None else {},
        sealed_for=one.sealed_for,
        flags=[flag.concern.value for flag in one.flags],
        two_officers=one.two_officers,
        first=one.first,
    )
