"""The Modbus barrier driver before a board that nobody here wrote: pymodbus's server, on a serial line and over Modbus TCP.

Every profile's map is read and written; the server refuses, is busy, is another unit or has no watchdog, and what then happens is the driver's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from fakes.foreign_board import BAUD, COILS, HOLDING, INPUT, WAYS, ForeignBoard, Way, foreign_board
from fakes.tiers import quick_or_long
from pymodbus.constants import ExcCodes

from drivers.barrier.modbus.driver import ModbusBarrier
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.profiles import load_profile
from gate_core.errors import NoReplyError, NotWellError, RefusedError, SetupError
from gate_core.ports.values import BarrierStatus, Direction, LampColour, LeafPosition

LIMIT_S = 10
TTL_MS = 5000
STOPS_S = 0.35  # how long the stop of a gate that takes pulses is held
WRITE_COILS, WRITE_MANY = 15, 16
Passes = Callable[[ForeignBoard], Awaitable[None]]


async def _passes_own(board: ForeignBoard) -> None:
    await board.put(INPUT, 12, 0)
    await board.put(INPUT, 5, 0, 1)


async def _passes_lot(board: ForeignBoard) -> None:
    await board.put(HOLDING, 0x40, 0)
    await board.put(HOLDING, 0x44, 1)


async def _passes_relay(board: ForeignBoard) -> None:
    await board.put(INPUT, 0, 1)


# The request that grants, and what the gate behind the board does when the traveller has passed.
PROFILES: dict[str, tuple[tuple[int, int, list[int]], Passes]] = {
    "portcullis-sim": ((WRITE_MANY, 0, [TTL_MS, 1, 0]), _passes_own),
    "lot": ((WRITE_MANY, 0x40, [1]), _passes_lot),
    "relay-8": ((WRITE_COILS, 0, [1]), _passes_relay),
}
EACH = pytest.mark.parametrize("name", PROFILES)
BOTH = pytest.mark.parametrize("way", quick_or_long(WAYS, quick=["serial"]))


@contextlib.asynccontextmanager
async def before(name: str, way: Way, *, unit: int = 1) -> AsyncIterator[tuple[ModbusBarrier, ForeignBoard]]:
    """A driver, not yet connected, and the board."""
    profile = load_profile(name)
    assert isinstance(profile, ModbusProfile)
    async with foreign_board(name, way) as board, asyncio.timeout(LIMIT_S):
        driver = ModbusBarrier(open_link=board.open_link, profile=profile, baud=BAUD, unit=unit)
        try:
            yield driver, board
        finally:
            driver.close()


async def until(driver: ModbusBarrier, condition: Callable[[BarrierStatus], bool]) -> BarrierStatus:
    """Poll as the lane does until the status fits."""
    while True:
        status = await driver.status()
        if condition(status):
            return status
        await asyncio.sleep(0.02)


@EACH
@BOTH
async def test_a_traveller_is_granted_once_passes_and_is_counted(name: str, way: Way) -> None:
    grant, passes = PROFILES[name]
    async with before(name, way) as (driver, board):
        await driver.connect()
        status = await driver.status()
        assert (status.position, status.bodies, status.alarms) == (LeafPosition.CLOSED, 0, frozenset())
        board.writes.clear()
        await driver.grant(Direction.ENTRY, TTL_MS)
        assert [write for write in board.writes if write[2] != [0, 0, 0]] == [grant]  # else it ended the stop's pulse
        with pytest.raises(RefusedError, match="outstanding"):
            await driver.grant(Direction.EXIT, TTL_MS)
        assert (await driver.status()).grants_left_entry == 1
        await passes(board)
        status = await until(driver, lambda status: status.count_entry == 1 and not status.grants_left_entry)
        assert status.count_exit == 0
        assert board.writes.count(grant) == 1


@EACH
@BOTH
async def test_what_is_revoked_does_not_stand_and_whoever_is_inside_is_let_out(name: str, way: Way) -> None:
    async with before(name, way) as (driver, board):
        await driver.connect()
        await driver.grant(Direction.EXIT, TTL_MS)
        assert (await driver.status()).grants_left_exit == 1
        await driver.revoke()
        assert (await until(driver, lambda status: not status.grants_left_exit)).grants_left_entry == 0
        board.writes.clear()
        await driver.release()
        (released,) = (write for write in board.writes if any(write[2]))
        assert released == {
            "portcullis-sim": (WRITE_MANY, 5, [0x5245]), "lot": (WRITE_MANY, 0x41, [1]), "relay-8": (WRITE_COILS, 1, [1])
        }[name]  # fmt: skip


@EACH
@BOTH
async def test_a_grant_that_is_refused_goes_out_once_and_a_revoke_until_the_board_has_time(name: str, way: Way) -> None:
    grant, _ = PROFILES[name]
    async with before(name, way) as (driver, board):
        for refusal in (ExcCodes.ILLEGAL_VALUE, ExcCodes.DEVICE_BUSY):
            await driver.connect()
            await asyncio.sleep(STOPS_S)
            await driver.status()
            board.writes.clear()
            board.refusals = [refusal]
            with pytest.raises(RefusedError, match=f"exception {refusal.value}"):
                await driver.grant(Direction.ENTRY, TTL_MS)
            assert board.writes == [grant]
        board.writes.clear()
        board.refusals = [ExcCodes.DEVICE_BUSY] * 3
        await driver.revoke()
        assert board.writes[0] == board.writes[3]
        assert not (await driver.status()).grants_left_entry


@BOTH
async def test_a_lamp_of_a_register_and_one_of_relays_show_their_colours(way: Way) -> None:
    async with before("portcullis-sim", way) as (driver, board):
        await driver.connect()
        await driver.lamp(LampColour.AMBER)
        assert await board.holds(HOLDING, 4) == [3]
    async with before("relay-8", way) as (driver, board):
        await driver.connect()
        await driver.lamp(LampColour.GREEN)
        assert await board.holds(COILS, 4, 2) == [0, 1]


@BOTH
async def test_another_number_is_no_board(way: Way) -> None:
    async with before("lot", way, unit=2) as (driver, board):
        with pytest.raises(RefusedError, match="exception 4"):
            await driver.connect()
        assert not board.writes


async def test_a_board_with_another_map_is_a_setup_error() -> None:
    async with before("portcullis-sim", "serial") as (driver, board):
        await board.put(INPUT, 0, 0x4C50)
        with pytest.raises(SetupError, match="the profile expects"):
            await driver.connect()
        assert not board.writes


@pytest.mark.long
async def test_the_check_finds_out_that_this_server_drops_no_output() -> None:
    async with before("relay-8", "serial") as (driver, board):
        with pytest.raises(NotWellError, match="host watchdog does not work"):
            await driver.check()
        assert (WRITE_COILS, 7, [1]) in board.writes
    async with before("lot", "serial") as (driver, board):
        assert "no host watchdog" in await driver.check()


@pytest.mark.long
@BOTH
async def test_over_a_wire_that_is_cut_nothing_is_granted_and_nothing_is_known(way: Way) -> None:
    async with before("lot", way) as (driver, board):
        await driver.connect()
        board.cut()
        board.writes.clear()
        for order in (driver.status(), driver.grant(Direction.ENTRY, TTL_MS), driver.revoke()):
            with pytest.raises(NoReplyError):
                await order
        assert not board.writes
