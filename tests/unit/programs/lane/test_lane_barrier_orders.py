"""Orders to the barrier: one after another on the wire, as they were given; taking back and freeing overtake what they undo."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fakes.line_bench import OWN, RELEASE, REVOKE, LineBench, line_bench, writes
from fakes.stories import on, told_to

from drivers.links import Link
from gate.passage.events import Event
from gate.programs.lane.barrier_orders import Kind, Ordering
from gate.programs.lane.parts import BarrierKeeper
from gate_contract.links import Wrapped
from gate_contract.virtual_time import run_virtual
from gate_core.errors import DriverError, LinkLostError, RefusedError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import Direction

# ── alone ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Desk:
    """Carries orders out one at a time, each when the test says so."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.withdrawn = 0
        self.gates: dict[str, asyncio.Event] = {}
        self.ordering = Ordering(self.withdraw)

    def withdraw(self) -> None:
        self.withdrawn += 1

    def put(self, kind: Kind, name: str, error: DriverError | None = None) -> Awaitable[Any]:
        self.gates[name] = asyncio.Event()

        async def carry_out() -> str:
            self.begun.append(name)
            await self.gates[name].wait()
            if error is not None:
                raise error
            return name

        return self.ordering.put(kind, carry_out)

    async def finish(self, *names: str) -> None:
        await asyncio.sleep(0.001)
        for name in names:
            self.gates[name].set()
            await asyncio.sleep(0.001)


def at_a_desk(story: Callable[[Desk], Awaitable[None]]) -> None:
    async def run() -> None:
        desk = Desk()
        desk.ordering.open()
        running = asyncio.ensure_future(desk.ordering.run())
        await asyncio.sleep(0)
        await story(desk)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run_virtual(run())


@told_to(at_a_desk)
async def test_a_grant_that_waits_is_never_carried_out_once_it_is_taken_back(desk: Desk) -> None:
    desk.put(Kind.CLEAR_ALARMS, "alarms")
    await desk.finish()
    grant = desk.put(Kind.GRANT, "grant")
    desk.put(Kind.REVOKE, "revoke")
    await desk.finish("alarms", "revoke")
    assert desk.begun == ["alarms", "revoke"]
    with pytest.raises(RefusedError, match="overtaken by a later revoke"):
        await grant


@told_to(at_a_desk)
async def test_a_release_keeps_a_waiting_grant_from_the_wire_too(desk: Desk) -> None:
    desk.put(Kind.CLEAR_ALARMS, "alarms")
    await desk.finish()
    grant = desk.put(Kind.GRANT, "grant")
    desk.put(Kind.RELEASE, "release")
    await desk.finish("alarms", "release")
    assert desk.begun == ["alarms", "release"]
    with pytest.raises(RefusedError):
        await grant


@told_to(at_a_desk)
async def test_taking_back_and_freeing_keep_their_order_and_go_before_the_rest(desk: Desk) -> None:
    desk.put(Kind.GRANT, "grant")
    await desk.finish()
    desk.put(Kind.CLEAR_ALARMS, "alarms")
    desk.put(Kind.END_EMERGENCY, "end")
    assert desk.withdrawn == 0
    desk.put(Kind.REVOKE, "revoke")
    desk.put(Kind.RELEASE, "release")
    assert desk.withdrawn == 2
    await desk.finish("grant", "revoke", "release", "alarms", "end")
    assert desk.begun == ["grant", "revoke", "release", "alarms", "end"]


@told_to(at_a_desk)
async def test_a_grant_behind_a_revoke_waits_for_its_end(desk: Desk) -> None:
    desk.put(Kind.REVOKE, "revoke")
    await desk.finish()
    grant = desk.put(Kind.GRANT, "grant")
    await desk.finish()
    assert desk.begun == ["revoke"]
    assert desk.withdrawn == 0
    await desk.finish("revoke", "grant")
    assert await grant == "grant"


@told_to(at_a_desk)
async def test_of_each_kind_the_latest_waits_and_no_other(desk: Desk) -> None:
    desk.put(Kind.REVOKE, "running")
    await desk.finish()
    orders = [desk.put(kind, f"{kind.value}{number}") for number in range(200) for kind in Kind]
    await desk.finish("running")
    for kind in (Kind.REVOKE, Kind.RELEASE, Kind.GRANT, Kind.END_EMERGENCY, Kind.CLEAR_ALARMS):
        await desk.finish(f"{kind.value}199")
    assert len(desk.begun) == 1 + len(Kind)
    refused = await asyncio.gather(*orders, return_exceptions=True)
    assert sum(isinstance(one, RefusedError) for one in refused) == 199 * len(Kind)


@told_to(at_a_desk)
async def test_an_order_that_fails_holds_up_nobody(desk: Desk) -> None:
    failing = desk.put(Kind.REVOKE, "revoke", RefusedError("busy"))
    release = desk.put(Kind.RELEASE, "release")
    await desk.finish("revoke", "release")
    assert await release == "release"
    with pytest.raises(RefusedError, match="busy"):
        await failing


@told_to(at_a_desk)
async def test_what_waits_or_runs_when_the_line_goes_fails_and_nothing_is_kept_for_the_next_line(desk: Desk) -> None:
    running, waiting = desk.put(Kind.REVOKE, "running"), desk.put(Kind.GRANT, "waiting")
    await desk.finish()
    desk.ordering.close()
    for order in (running, waiting, desk.put(Kind.RELEASE, "afterwards")):
        with pytest.raises(LinkLostError):
            await order
    await desk.finish("running", "waiting", "afterwards")
    desk.ordering.open()
    await desk.finish()
    assert desk.begun == ["running"]


# ── the real driver on a bad line ────────────────────────────────────────────────────────────────────────────────────


class Watched(Wrapped):
    """Loses and delays frames by its seed, and holds every order on the wire against what was ordered so far."""

    def __init__(self, inner: Link, orders: Orders) -> None:
        super().__init__(inner)
        self._orders = orders

    async def write(self, payload: bytes) -> None:
        self._orders.on_the_wire(payload)
        if not self._orders.watching or self._orders.chance.random() >= self._orders.loss:
            await self.inner.write(payload)


class Orders:
    """What was ordered, by number: grants are told apart by their time to live."""

    def __init__(self, seed: int, loss: float) -> None:
        self.chance = random.Random(seed)
        self.loss = loss
        self.watching = False
        self.given: list[tuple[str, asyncio.Future[Any]]] = []
        self.last_grant: int | None = None
        self.wrong: list[str] = []

    def give(self, kind: str, keeper: BarrierKeeper) -> None:
        number = len(self.given)
        given: dict[str, tuple[Any, ...]] = {"grant": (1000 + number,), "clear_alarms": (tuple(Alarm),)}
        order = getattr(keeper, kind)(*given.get(kind, ()))
        self.given.append((kind, asyncio.ensure_future(order)))

    def _latest(self, kind: str) -> int:
        return max((number for number, (one, _) in enumerate(self.given) if one == kind), default=-1)

    def on_the_wire(self, frame: bytes) -> None:
        if not self.watching or frame[1] != 16:
            return
        address, values = frame[3], [int.from_bytes(frame[at : at + 2], "big") for at in range(7, len(frame) - 2, 2)]
        if address == 0:
            number = values[0] - 1000
            if max(self._latest("revoke"), self._latest("release")) > number:
                self.wrong.append(f"grant {number} was written after it was taken back")
            self.last_grant = number
        elif (address, tuple(values)) == REVOKE and self.last_grant is not None:
            # A grant of unknown fate takes itself back; no older order may still be at it.
            older = any(kind == "revoke" and not future.done() for kind, future in self.given[: self.last_grant])
            if older and self._latest("revoke") < self.last_grant:
                self.wrong.append(f"an older revoke was written after grant {self.last_grant}")


def play(seed: int, kinds: tuple[str, ...] = ("grant", "revoke"), loss: float = 0.3) -> tuple[Orders, int, bool]:
    """Give orders at random moments on a line that loses frames; the last one takes everything back. How many grants came, and whether one stands."""
    orders = Orders(seed, loss)

    async def run() -> tuple[int, bool]:
        async with line_bench(OWN) as made:
            made.host_line = lambda link: Watched(link, orders)
            await story(made)
            return made.grants(Direction.ENTRY), made.stands(Direction.ENTRY)

    async def story(made: LineBench) -> None:
        posted: list[Event] = []
        keeper = BarrierKeeper(made.barrier, post=posted.append, poll_s=0.05)
        running = asyncio.ensure_future(keeper.run())
        await asyncio.sleep(20)  # until it is connected, over this line
        assert posted
        orders.watching = True
        for _ in range(30):
            orders.give(orders.chance.choice(kinds), keeper)
            await asyncio.sleep(orders.chance.choice((0, 0.001, 0.1, 0.3)))
        orders.loss = 0.0
        orders.give("revoke", keeper)
        await asyncio.sleep(3)
        running.cancel()
        await asyncio.gather(running, *(future for _, future in orders.given), return_exceptions=True)

    return orders, *run_virtual(run())


LINES = range(48, 88)  # on four of these an older revoke followed a newer grant before there was an order


@pytest.mark.parametrize("seed", LINES)
def test_on_a_line_that_loses_frames_grants_and_revokes_reach_the_wire_in_the_order_they_were_given(seed: int) -> None:
    orders, _, stands = play(seed)
    assert orders.wrong == []
    assert not stands


def test_most_of_these_lines_carry_grants() -> None:
    assert sum(play(seed)[1] > 0 for seed in range(10)) > 5


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_written_late_when_people_are_freed_in_between(seed: int) -> None:
    orders, _, stands = play(seed, ("grant", "revoke", "release", "clear_alarms"))
    assert orders.wrong == []
    assert not stands


@on(lambda: line_bench(OWN), connected=False)
async def test_a_release_behind_a_revoke_that_is_not_answered_waits_for_one_request_and_has_the_last_word(
    made: LineBench,
) -> None:
    posted: list[Event] = []
    keeper = BarrierKeeper(made.barrier, post=posted.append, poll_s=60)
    running = asyncio.ensure_future(keeper.run())
    await asyncio.sleep(1)
    made.mute(1000)
    made.requests.clear()
    revoke, release = keeper.revoke(), keeper.release()
    await asyncio.sleep(0.2)
    assert writes(made)[:2] == [REVOKE, RELEASE]
    await asyncio.gather(revoke, release, return_exceptions=True)
    assert writes(made)[-1] == RELEASE
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
