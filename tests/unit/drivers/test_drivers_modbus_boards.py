"""The LOT turnstile and the relay board: how their grants end, and what a restart shows."""

from __future__ import annotations

import asyncio

import pytest
from fakes.line_bench import OWN, LineBench, line_bench
from fakes.stories import on

from gate_contract.links import Wrapped
from gate_core.errors import LinkLostError, NoReplyError, NotWellError
from gate_core.ports.values import BarrierStatus, Direction
from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.boards import MODBUS
from hardware_sim.barrier.controller import Controller
from hardware_sim.barrier.lot import ACCUMULATE, START_S, LotTurnstile
from hardware_sim.barrier.relays import STOP, UNLOCK_A, RelayBoard

ENTRY = Direction.ENTRY


async def polled(made: LineBench, seconds: float) -> BarrierStatus:
    """Poll as the lane does for a while."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds
    while True:
        status = await made.barrier.status()
        if loop.time() >= until_s:
            return status
        await asyncio.sleep(0.05)


def turnstile(made: LineBench) -> LotTurnstile:
    made.step()
    assert isinstance(made.board, LotTurnstile)
    return made.board


def relays(made: LineBench) -> RelayBoard:
    made.step()
    assert isinstance(made.board, RelayBoard)
    return made.board


@pytest.mark.parametrize("name", [OWN, *MODBUS])
@on(line_bench, "name")
async def test_a_restart_is_noticed_and_counted_by_what_the_board_forgot(made: LineBench) -> None:
    assert isinstance(made.board, Controller)
    made.board.passages[Way.ENTRY] = 7
    before = await made.barrier.status()
    assert before.count_entry == 7
    made.power_cycle()
    with pytest.raises(LinkLostError, match="powered up anew"):
        await made.barrier.status()
    await made.barrier.connect()
    after = await made.barrier.status()
    assert (after.restarts, after.count_entry) == (before.restarts + 1, 0)
    await made.barrier.connect()
    assert (await made.barrier.status()).restarts == after.restarts


@pytest.mark.parametrize("name", [OWN, *MODBUS])
@on(line_bench, "name")
async def test_a_lamp_is_where_the_profile_has_one(made: LineBench) -> None:
    assert made.barrier.has_lamp is (made.profile != "lot")


# ── the turnstile ────────────────────────────────────────────────────────────────────────────────────────────────────


@on(lambda: line_bench("lot"))
async def test_the_turnstiles_grants_do_not_add_up_and_end_by_its_own_timer(made: LineBench) -> None:
    assert turnstile(made).timers[ACCUMULATE] == 0
    await made.barrier.grant(ENTRY, 3900)
    assert turnstile(made).timers[START_S] == 3
    made.barrier.close()
    await asyncio.sleep(3.1)
    assert not made.stands(ENTRY)
    assert made.told.count("grant_ended", how="ttl") == 1


@on(lambda: line_bench("lot"), connected=False)
async def test_the_turnstile_says_in_the_self_test_what_ends_a_grant(made: LineBench) -> None:
    assert await made.barrier.check() == "closed, no host watchdog; its controller_ttl ends a grant"
    turnstile(made).motor_fault = True
    with pytest.raises(NotWellError, match="the leaf is unknown"):
        await made.barrier.check()


class LosesGrants(Wrapped):
    """Loses what grants."""

    async def write(self, payload: bytes) -> None:
        if payload[1:6] != bytes((16, 0, 0x40, 0, 1)):
            await self.inner.write(payload)


@on(lambda: line_bench("lot"), connected=False)
async def test_somebody_on_the_way_through_makes_a_lost_grant_unsure(made: LineBench) -> None:
    made.host_line = LosesGrants
    made.occupy(occupied=True)
    await made.barrier.connect()
    with pytest.raises(NoReplyError, match="a revoke was sent"):
        await made.barrier.grant(ENTRY, 5000)


# ── the relay board ──────────────────────────────────────────────────────────────────────────────────────────────────


@on(lambda: line_bench("relay-8"))
async def test_a_pulse_ends_with_the_next_status_after_its_time_and_the_passage_by_the_gate(made: LineBench) -> None:
    await made.barrier.grant(ENTRY, 10_000)
    await polled(made, 0.2)
    assert relays(made).coils[UNLOCK_A]
    status = await polled(made, 0.3)
    assert not any(relays(made).coils)
    assert status.grants_left_entry == 1
    assert (await polled(made, 4.7)).grants_left_entry == 0
    assert made.told.count("grant_ended", how="ttl") == 1
    assert not made.told.count("held_open")


@on(lambda: line_bench("relay-8"))
async def test_a_silent_host_leaves_no_contact_closed(made: LineBench) -> None:
    await made.barrier.grant(ENTRY, 10_000)
    made.barrier.close()
    await asyncio.sleep(1.1)
    assert not any(relays(made).coils)
    assert made.told.count("outputs_dropped") == 1


@on(lambda: line_bench("relay-8"))
async def test_a_revoke_pulses_the_stop_and_the_next_grant_waits_for_its_end(made: LineBench) -> None:
    await made.barrier.grant(ENTRY, 10_000)
    await made.barrier.revoke()
    assert relays(made).coils[STOP]
    assert made.told.count("grant_ended", how="revoked") == 1
    stopped_s = asyncio.get_running_loop().time()
    await polled(made, 0.15)
    await made.barrier.grant(ENTRY, 10_000)
    assert asyncio.get_running_loop().time() - stopped_s >= 0.299
    assert not relays(made).coils[STOP]
    assert made.grants(ENTRY) == 2


@on(lambda: line_bench("relay-8"))
async def test_a_relay_that_nobody_means_to_be_on_is_switched_off(made: LineBench) -> None:
    await polled(made, 0.5)
    relays(made).switch(UNLOCK_A, [True])
    assert (await made.barrier.status()).grants_left_entry == 1
    await polled(made, 0.1)
    assert not relays(made).coils[UNLOCK_A]


@on(lambda: line_bench("relay-8"))
async def test_a_counter_of_sixteen_bits_goes_on_in_thirty_two(made: LineBench) -> None:
    for count in (30_000, 60_000, 65_535):
        relays(made).passages[Way.ENTRY] = count
        assert (await made.barrier.status()).count_entry == count
    relays(made).passages[Way.ENTRY] = 65_537
    await made.barrier.connect()
    status = await made.barrier.status()
    assert (status.count_entry, status.restarts) == (65_537, 1)


@pytest.mark.parametrize("works", [True, False])
@on(lambda: line_bench("relay-8"), connected=False)
async def test_the_self_test_sees_the_watchdog_drop_an_output_or_says_that_it_does_not(
    made: LineBench, *, works: bool
) -> None:
    relays(made).watchdog_works = works
    if works:
        assert await made.barrier.check() == "closed, host watchdog of 1000 ms works"
    else:
        with pytest.raises(NotWellError, match="did not notice our silence"):
            await made.barrier.check()
    assert made.grants(ENTRY) == 0
    assert not any(relays(made).coils)  # no stop is held while it is silent
