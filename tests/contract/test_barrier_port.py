"""What every barrier driver does: the fake that other tests stand on, and the real ones before controllers that count."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest
from fakes.barrier import Bench, FakeBarrier, at_rest, bench
from fakes.contacts_gate import ContactsBench, contacts_bench
from fakes.framed_boards import CountingBoard, FramedBench, Kind, framed_bench
from fakes.modbus_boards import PROFILES, BoardBench, board_bench

from gate_core.errors import LinkLostError, RefusedError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.drivers import BarrierDriver
from gate_core.ports.values import Direction, LampColour
from hardware_sim.barrier.lot import LotTurnstile

FRAMED: dict[str, Kind] = {"ds205a": "ds205a", "italdis": "italdis"}
KINDS = ["fake", "modbus", *PROFILES, *FRAMED, "contacts"]
FIRE_ENDS_IT = {"relay-8", "contacts"}  # the emergency is the fire loop's, and ends with it


@dataclass
class Site:
    """A barrier and the world round it."""

    barrier: FakeBarrier | BarrierDriver
    fire: Callable[[bool], None]
    unplug: Callable[[], None]
    replug: Callable[[], None]
    releases: Callable[[], int]
    reset: Callable[[], None] = lambda: None  # the key at a turnstile that keeps its emergency

    async def rests(self) -> None:
        """The leaf takes its time to close."""
        for _ in range(150):
            if at_rest(await self.barrier.status()):
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it does not come to rest")


def _fake() -> Site:
    barrier = FakeBarrier()

    def fire(active: bool) -> None:  # noqa: FBT001 - an input is on or off
        barrier.now = replace(barrier.now, fire=active, emergency_open=active or barrier.now.emergency_open)

    return Site(
        barrier=barrier,
        fire=fire,
        unplug=lambda: setattr(barrier, "plugged", False),
        replug=lambda: setattr(barrier, "plugged", True),
        releases=lambda: barrier.releases,
    )


def _real(made: Bench) -> Site:
    def fire(active: bool) -> None:  # noqa: FBT001
        made.controller.fire = active
        made.controller.emergency |= active

    return Site(
        barrier=made.barrier,
        fire=fire,
        unplug=made.unplug,
        replug=lambda: setattr(made, "plugged", True),
        releases=lambda: made.controller.releases,
    )


def _framed(made: FramedBench) -> Site:
    def fire(active: bool) -> None:  # noqa: FBT001
        made.board.fire = active
        made.board.emergency |= active

    return Site(
        barrier=made.barrier,
        fire=fire,
        unplug=made.unplug,
        replug=lambda: setattr(made, "plugged", True),
        releases=lambda: made.board.grants_made_right,
    )


def _board(made: BoardBench) -> Site:
    board = made.board
    return Site(
        barrier=made.barrier,
        fire=lambda active: setattr(board, "fire", active),
        unplug=made.unplug,
        replug=lambda: setattr(made, "plugged", True),
        releases=lambda: made.ordered(Direction.EXIT),
        reset=board.reset if isinstance(board, LotTurnstile) else lambda: None,
    )


def _contacts(made: ContactsBench) -> Site:
    return Site(
        barrier=made.barrier,
        fire=lambda active: setattr(made.gate, "fire", active),
        unplug=made.unplug,
        replug=made.replug,
        releases=lambda: made.ordered(Direction.EXIT),
    )


@contextlib.asynccontextmanager
async def standing(kind: str) -> AsyncIterator[Site]:
    if kind == "fake":
        yield _fake()
        return
    if kind in FRAMED:
        async with framed_bench(CountingBoard(kind=FRAMED[kind])) as made_framed:
            yield _framed(made_framed)
        return
    if kind in PROFILES:
        async with board_bench(kind) as made_board:
            yield _board(made_board)
        return
    if kind == "contacts":
        async with contacts_bench() as made_contacts:
            yield _contacts(made_contacts)
        return
    async with bench() as made:
        yield _real(made)


@pytest.mark.parametrize("kind", KINDS)
async def test_before_connecting_everything_is_a_lost_link(kind: str) -> None:
    async with standing(kind) as site:
        barrier = site.barrier
        for call in (barrier.status, barrier.revoke, barrier.release, barrier.end_emergency):
            with pytest.raises(LinkLostError):
                await call()
        with pytest.raises(LinkLostError):
            await barrier.clear_alarms(tuple(Alarm))
        with pytest.raises(LinkLostError):
            await barrier.grant(Direction.ENTRY, 5000)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("direction", list(Direction))
async def test_a_grant_shows_in_the_status_and_a_revoke_ends_it(kind: str, direction: Direction) -> None:
    async with standing(kind) as site:
        await site.barrier.connect()
        assert site.barrier.grant_written_at_s is None
        await site.barrier.grant(direction, 5000)
        assert site.barrier.grant_written_at_s is not None
        status = await site.barrier.status()
        entry = direction is Direction.ENTRY
        assert (status.grants_left_entry, status.grants_left_exit) == (int(entry), int(not entry))
        with pytest.raises(RefusedError):
            await site.barrier.grant(direction, 5000)
        await site.barrier.revoke()
        await site.rests()


@pytest.mark.parametrize("kind", KINDS)
async def test_connecting_leaves_no_grant(kind: str) -> None:
    async with standing(kind) as site:
        await site.barrier.connect()
        await site.barrier.grant(Direction.ENTRY, 5000)
        await site.barrier.connect()
        await site.rests()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ttl_ms", [999, 30_001])
async def test_a_time_to_live_out_of_range_is_a_value_error(kind: str, ttl_ms: int) -> None:
    async with standing(kind) as site:
        await site.barrier.connect()
        with pytest.raises(ValueError, match="time to live"):
            await site.barrier.grant(Direction.ENTRY, ttl_ms)


@pytest.mark.parametrize("kind", KINDS)
async def test_in_an_emergency_there_is_no_grant_but_a_release_and_it_ends_only_without_fire(kind: str) -> None:
    async with standing(kind) as site:
        await site.barrier.connect()
        site.fire(True)
        await asyncio.sleep(0.05)
        status = await site.barrier.status()
        assert status.fire is (kind != "lot")
        assert status.emergency_open
        with pytest.raises(RefusedError):
            await site.barrier.grant(Direction.ENTRY, 5000)
        await site.barrier.release()
        assert site.releases() == 1
        with pytest.raises(RefusedError):
            await site.barrier.end_emergency()
        site.fire(False)
        await asyncio.sleep(0.05)
        assert (await site.barrier.status()).emergency_open is (kind not in FIRE_ENDS_IT)
        site.reset()
        await site.barrier.end_emergency()
        assert not (await site.barrier.status()).emergency_open


@pytest.mark.parametrize("kind", KINDS)
async def test_an_unplugged_barrier_is_lost_until_it_is_connected_again(kind: str) -> None:
    async with standing(kind) as site:
        await site.barrier.connect()
        await site.barrier.lamp(LampColour.GREEN)
        await site.barrier.clear_alarms((Alarm.OBSTRUCTED,))
        site.unplug()
        with pytest.raises(LinkLostError):
            await site.barrier.status()
        with pytest.raises(LinkLostError):
            await site.barrier.connect()
        site.replug()
        await site.barrier.connect()
        await site.rests()
        site.barrier.close()
        with pytest.raises(LinkLostError):
            await site.barrier.status()
