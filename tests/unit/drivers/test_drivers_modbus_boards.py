"""The LOT turnstile and the relay board: how their grants end, what a restart shows, and no grant twice on any bad line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from fakes.modbus_boards import PROFILES, BoardBench, board_bench

from drivers.links import Link
from gate_contract.links import BitFlips, Bursts, ByteLoss, Delay, Echo, OneByteAtATime, RandomLoss
from gate_contract.virtual_time import run_virtual
from gate_core.errors import DriverError, LinkLostError, NoReplyError, NotWellError, RefusedError
from gate_core.ports.values import BarrierStatus, Direction, LampColour, LeafPosition
from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.lot import ACCUMULATE, START_S, LotTurnstile
from hardware_sim.barrier.relays import STOP, UNLOCK_A, RelayBoard

Line = Callable[[Link, int], Link]
LINES: dict[str, Line] = {
    "one byte at a time": lambda link, _: OneByteAtATime(link),
    "loss 20 %": lambda link, seed: RandomLoss(link, seed=seed),
    "delay": lambda link, seed: Delay(link, seed=seed, delay_s_max=0.05),
    "delay past the deadline": lambda link, seed: Delay(link, seed=seed, delay_s_max=0.1),
    "bit flips 1e-4": lambda link, seed: BitFlips(link, seed=seed, share=1e-4),
    "bit flips 1e-3": lambda link, seed: BitFlips(link, seed=seed, share=1e-3),
    "bytes lost and invented": lambda link, seed: ByteLoss(link, seed=seed, share=0.005),
    "bursts": lambda link, seed: Bursts(link, seed=seed, share=0.1),
    "echo": lambda link, seed: Echo(link) if seed < 100_000 else link,
}


def on_board(profile: str, story: Callable[[BoardBench], Awaitable[None]], *, entry_is_left: bool = True) -> None:
    """Tell a story to a connected driver."""

    async def run() -> None:
        async with board_bench(profile, entry_is_left=entry_is_left) as made:
            await made.barrier.connect()
            await story(made)

    run_virtual(run())


async def polled(made: BoardBench, seconds: float) -> BarrierStatus:
    """Poll as the lane does for a while."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds
    while True:
        status = await made.barrier.status()
        if loop.time() >= until_s:
            return status
        await asyncio.sleep(0.05)


async def insisting(call: Callable[[], Awaitable[BarrierStatus | None]]) -> BarrierStatus | None:
    for _ in range(50):
        with contextlib.suppress(NoReplyError):
            return await call()
    raise AssertionError("50 attempts were not enough")


def turnstile(made: BoardBench) -> LotTurnstile:
    assert isinstance(made.board, LotTurnstile)
    return made.board


def relays(made: BoardBench) -> RelayBoard:
    assert isinstance(made.board, RelayBoard)
    return made.board


# ── both ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", LINES)
def test_no_grant_is_made_twice_and_every_order_arrives(profile: str, name: str) -> None:
    async def run() -> tuple[int, int]:
        stood = doubles = 0
        async with board_bench(profile) as made:
            line, health = LINES[name], made.barrier.health
            # Another seed at each connect: the same line would lose the same frame again.
            made.host_line = lambda link: line(link, health.connects)
            made.board_line = lambda link: line(link, 100_000 + health.connects)
            await insisting(made.barrier.connect)
            for _ in range(12):
                before = made.ordered()
                with contextlib.suppress(NoReplyError):
                    await made.barrier.grant(Direction.ENTRY, 5000)
                    stood += 1
                doubles += made.ordered() - before > 1
                await insisting(made.barrier.revoke)
                await asyncio.sleep(1)
                status = await insisting(made.barrier.status)
                assert status is not None
                assert status.grants_left_entry == 0
                await asyncio.sleep(0.5)
            assert made.barrier.has_lamp is (profile == "relay-8")
            await insisting(lambda: made.barrier.lamp(LampColour.GREEN))
            await insisting(made.barrier.release)
            assert made.ordered(Direction.EXIT)
        return stood, doubles

    stood, doubles = run_virtual(run())
    assert doubles == 0
    assert stood >= (5 if "past" in name else 9)  # what is unsure is taken back


@pytest.mark.parametrize("profile", PROFILES)
def test_a_two_wire_adapter_that_hears_itself_confirms_nothing(profile: str) -> None:
    async def story(made: BoardBench) -> None:
        made.host_line = Echo
        await made.barrier.connect()
        await made.barrier.grant(Direction.ENTRY, 5000)
        assert made.ordered() == 1
        made._slave._unit = 9  # another board's number: it hears, and says nothing
        with pytest.raises(NoReplyError):
            await made.barrier.release()

    on_board(profile, story)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_cable_pulled_at_any_moment_leaves_a_driver_that_recovers(profile: str) -> None:
    async def until_cut(made: BoardBench) -> type[DriverError]:
        try:
            while True:
                await made.barrier.grant(Direction.ENTRY, 5000)
                await made.barrier.revoke()
        except DriverError as error:
            return type(error)

    async def run(cut_after_s: float) -> None:
        async with board_bench(profile) as made:
            made.host_line = lambda link: Delay(link, seed=1, delay_s_max=0.02)
            made.board_line = lambda link: Delay(link, seed=2, delay_s_max=0.02)
            await made.barrier.connect()
            cut = asyncio.ensure_future(until_cut(made))
            await asyncio.sleep(cut_after_s)
            made.unplug()
            assert await cut is LinkLostError
            made.plugged = True
            await insisting(made.barrier.connect)
            await asyncio.sleep(1)
            status = await insisting(made.barrier.status)
            assert status is not None
            assert (status.grants_left_entry, status.grants_left_exit) == (0, 0)

    for step in range(20):
        run_virtual(run(0.02 * step))


@pytest.mark.parametrize("profile", PROFILES)
def test_a_restart_is_noticed_and_counted_by_what_the_board_forgot(profile: str) -> None:
    async def story(made: BoardBench) -> None:
        made.board.passages[Way.ENTRY] = 7
        assert (await made.barrier.status()).count_entry == 7
        before = await made.barrier.status()
        made.board.power_cycle()
        with pytest.raises(LinkLostError, match="powered up anew"):
            await made.barrier.status()
        await made.barrier.connect()
        after = await made.barrier.status()
        assert (after.restarts, after.count_entry) == (before.restarts + 1, 0)
        await made.barrier.connect()
        assert (await made.barrier.status()).restarts == after.restarts

    on_board(profile, story)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_release_is_no_grant_and_is_not_taken_back(profile: str) -> None:
    async def story(made: BoardBench) -> None:
        await made.barrier.release()
        status = await polled(made, 0.7)
        assert (status.grants_left_entry, status.grants_left_exit) == (0, 0)
        assert status.position is not LeafPosition.CLOSED
        assert made.board.granted(Way.EXIT)

    on_board(profile, story)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("entry_is_left", [True, False])
def test_directions_are_as_the_board_is_mounted(profile: str, *, entry_is_left: bool) -> None:
    async def story(made: BoardBench) -> None:
        await made.barrier.grant(Direction.ENTRY, 5000)
        assert made.board.granted(Way.ENTRY if entry_is_left else Way.EXIT)
        await polled(made, 0.4)
        made.pass_through(Way.ENTRY if entry_is_left else Way.EXIT)
        status = await made.barrier.status()
        assert (status.count_entry, status.count_exit, status.grants_left_entry) == (1, 0, 0)

    on_board(profile, story, entry_is_left=entry_is_left)


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_is_closed_in_an_emergency(profile: str) -> None:
    async def story(made: BoardBench) -> None:
        made.board.fire = True
        made.step()
        await made.barrier.status()
        told = len(made.told.events)
        await made.barrier.revoke()
        await polled(made, 0.5)
        assert not [name for name, _ in made.told.events[told:] if name in {"grant_ordered", "emergency_ended"}]
        with pytest.raises(RefusedError):
            await made.barrier.end_emergency()

    on_board(profile, story)


# ── the turnstile ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_turnstiles_grants_do_not_add_up_and_end_by_its_own_timer() -> None:
    async def story(made: BoardBench) -> None:
        assert turnstile(made).timers[ACCUMULATE] == 0
        await made.barrier.grant(Direction.ENTRY, 3900)
        assert turnstile(made).timers[START_S] == 3
        made.barrier.close()
        await asyncio.sleep(3.1)
        assert made.told.count("grant_ended", how="ttl") == 1

    on_board("lot", story)


def test_the_turnstile_says_in_the_self_test_what_ends_a_grant() -> None:
    async def run() -> None:
        async with board_bench("lot") as made:
            assert await made.barrier.check() == "closed, no host watchdog; its controller_ttl ends a grant"
            turnstile(made).motor_fault = True
            with pytest.raises(NotWellError, match="the leaf is unknown"):
                await made.barrier.check()

    run_virtual(run())


def test_somebody_on_the_way_through_makes_a_lost_grant_unsure() -> None:
    class LosesGrants(OneByteAtATime):
        async def write(self, payload: bytes) -> None:
            if payload[1:6] != bytes((16, 0, 0x40, 0, 1)):
                await self.inner.write(payload)

    async def story(made: BoardBench) -> None:
        made.host_line = LosesGrants
        made.broken = (True, False, False)
        await made.barrier.connect()
        with pytest.raises(NoReplyError, match="a revoke was sent"):
            await made.barrier.grant(Direction.ENTRY, 5000)

    on_board("lot", story)


# ── the relay board ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pulse_ends_with_the_next_status_after_its_time_and_the_passage_by_the_gate() -> None:
    async def story(made: BoardBench) -> None:
        await made.barrier.grant(Direction.ENTRY, 10_000)
        await polled(made, 0.2)
        assert relays(made).coils[UNLOCK_A]
        status = await polled(made, 0.3)
        assert not any(relays(made).coils)
        assert status.grants_left_entry == 1
        assert (await polled(made, 4.7)).grants_left_entry == 0
        assert made.told.count("grant_ended", how="ttl") == 1
        assert not made.told.count("held_open")

    on_board("relay-8", story)


def test_a_silent_host_leaves_no_contact_closed() -> None:
    async def story(made: BoardBench) -> None:
        await made.barrier.grant(Direction.ENTRY, 10_000)
        made.barrier.close()
        await asyncio.sleep(1.1)
        assert made.told.count("outputs_dropped") == 1
        assert not any(relays(made).coils)

    on_board("relay-8", story)


def test_a_revoke_pulses_the_stop_and_the_next_grant_waits_for_its_end() -> None:
    async def story(made: BoardBench) -> None:
        await made.barrier.grant(Direction.ENTRY, 10_000)
        await made.barrier.revoke()
        assert relays(made).coils[STOP]
        assert made.told.count("grant_ended", how="revoked") == 1
        stopped_s = asyncio.get_running_loop().time()
        await polled(made, 0.15)
        await made.barrier.grant(Direction.ENTRY, 10_000)
        assert asyncio.get_running_loop().time() - stopped_s >= 0.299
        assert not relays(made).coils[STOP]
        assert made.ordered() == 2

    on_board("relay-8", story)


def test_a_relay_that_nobody_means_to_be_on_is_switched_off() -> None:
    async def story(made: BoardBench) -> None:
        await polled(made, 0.5)
        relays(made).switch(UNLOCK_A, [True])
        assert (await made.barrier.status()).grants_left_entry == 1
        await polled(made, 0.1)
        assert not relays(made).coils[UNLOCK_A]

    on_board("relay-8", story)


def test_a_counter_of_sixteen_bits_goes_on_in_thirty_two() -> None:
    async def story(made: BoardBench) -> None:
        for count in (30_000, 60_000, 65_535):
            made.board.passages[Way.ENTRY] = count
            assert (await made.barrier.status()).count_entry == count
        made.board.passages[Way.ENTRY] = 65_537
        await made.barrier.connect()
        status = await made.barrier.status()
        assert (status.count_entry, status.restarts) == (65_537, 1)

    on_board("relay-8", story)


@pytest.mark.parametrize("works", [True, False])
def test_the_self_test_sees_the_watchdog_drop_an_output_or_says_that_it_does_not(*, works: bool) -> None:
    async def run() -> None:
        async with board_bench("relay-8") as made:
            relays(made).watchdog_works = works
            if works:
                assert await made.barrier.check() == "closed, host watchdog of 1000 ms works"
            else:
                with pytest.raises(NotWellError, match="did not notice our silence"):
                    await made.barrier.check()
            assert not made.ordered()
            assert not any(relays(made).coils)  # no stop is held while it is silent

    run_virtual(run())
