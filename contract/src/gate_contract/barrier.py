"""What every barrier does behind the port, whatever its protocol. `barrier_bench` says what an author of a driver fills in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar, get_args

import pytest

from gate_contract.barrier_bench import BarrierBench, Damage, story
from gate_core.errors import DriverError, LinkLostError, NoReplyError, NotWellError, RefusedError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LampColour, LeafPosition

ENTRY, EXIT = Direction.ENTRY, Direction.EXIT
TTL_MS = 5000
REST_S = 6.0  # a leaf takes its time, and a gate without a stop lets a grant pass
LONGEST_GRANT_S = 31.0
POLL_S = 0.05
NOTICED_S = 1.0
ATTEMPTS_MAX = 50
Answer = TypeVar("Answer")


def left(status: BarrierStatus, direction: Direction) -> int:
    """Grants outstanding in a direction."""
    return status.grants_left_entry if direction is ENTRY else status.grants_left_exit


def count(status: BarrierStatus, direction: Direction) -> int:
    """Passages in a direction."""
    return status.count_entry if direction is ENTRY else status.count_exit


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def polled(bench: BarrierBench, seconds: float) -> BarrierStatus:
    """Look as the lane does for a while; what was seen last."""
    until_s = now_s() + seconds
    while True:
        status = await insist(bench, bench.barrier.status)
        if now_s() >= until_s:
            return status
        await asyncio.sleep(POLL_S)


async def rests(bench: BarrierBench) -> BarrierStatus:
    """Closed, with nobody there and no grant outstanding, before long."""
    until_s = now_s() + REST_S
    while now_s() < until_s:
        status = await polled(bench, POLL_S)
        granted = (status.grants_left_entry, status.grants_left_exit)
        if (status.position, status.bodies, *granted) == (LeafPosition.CLOSED, 0, 0, 0):
            return status
    raise AssertionError("it does not come to rest")


async def insist(bench: BarrierBench, call: Callable[[], Awaitable[Answer]]) -> Answer:
    """What the lane does: silence is answered by trying again, a lost line by connecting anew."""
    for _ in range(ATTEMPTS_MAX):
        try:
            return await call()
        except (LinkLostError, NotWellError):
            with contextlib.suppress(DriverError):
                await bench.barrier.connect()
        except (NoReplyError, RefusedError):
            continue
    raise AssertionError(f"{ATTEMPTS_MAX} attempts were not enough")


async def granted(bench: BarrierBench, direction: Direction = ENTRY) -> bool:
    """Grant; False where the driver says that it may not stand, and it was taken back."""
    try:
        await bench.barrier.grant(direction, TTL_MS)
    except DriverError:
        await insist(bench, bench.barrier.revoke)
        return False
    return True


# ── the line ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def all_is_lost(bench: BarrierBench) -> None:
    """Every call says that there is no line."""
    barrier = bench.barrier
    calls: list[Callable[[], Awaitable[object]]] = [
        barrier.status,
        barrier.revoke,
        barrier.release,
        barrier.end_emergency,
        lambda: barrier.grant(ENTRY, TTL_MS),
        lambda: barrier.clear_alarms(tuple(Alarm)),
    ]
    for call in calls:
        with pytest.raises(LinkLostError):
            await call()


@story
async def test_without_a_line_everything_is_a_lost_link(bench: BarrierBench) -> None:
    await all_is_lost(bench)
    await bench.barrier.connect()
    assert bench.barrier.grant_written_at_s is None
    await rests(bench)
    bench.barrier.close()
    bench.barrier.close()
    await all_is_lost(bench)


@story
async def test_a_pulled_cable_wakes_who_waits_and_connecting_recovers(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    bench.deafen()
    asking = asyncio.ensure_future(bench.barrier.status())
    await asyncio.sleep(0)
    bench.unplug()
    with pytest.raises(LinkLostError):
        await asking
    await all_is_lost(bench)
    with pytest.raises(LinkLostError):
        await bench.barrier.connect()
    bench.deafen(deaf=False)
    bench.replug()
    await bench.barrier.connect()
    await rests(bench)


@story
async def test_a_board_that_hears_nothing_is_noticed_within_a_second(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    await polled(bench, 1)
    bench.deafen()
    began_s = now_s()
    with pytest.raises(DriverError):
        await bench.barrier.status()
    assert now_s() - began_s < NOTICED_S
    for call in (bench.barrier.revoke, bench.barrier.release, bench.barrier.connect):
        with pytest.raises((NoReplyError, LinkLostError)):
            await call()


@story
async def test_a_board_that_was_powered_up_anew_must_be_connected_anew(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    assert await granted(bench)
    bench.pass_through(ENTRY)
    before = await rests(bench)
    assert before.count_entry == 1
    assert await granted(bench)
    bench.power_cycle()
    with pytest.raises(LinkLostError):
        await bench.barrier.status()
    await all_is_lost(bench)
    await bench.barrier.connect()
    after = await rests(bench)
    assert (after.count_entry, after.count_exit) == (0, 0)
    assert after.restarts >= before.restarts
    assert not bench.stands(ENTRY)


@story
async def test_many_who_connect_while_others_speak_leave_one_line_that_works(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    for gap_s in (0.0, 0.001, 0.02, 0.1):
        calls = [bench.barrier.status(), bench.barrier.connect(), bench.barrier.connect(), bench.barrier.status()]
        running = []
        for call in calls:
            running.append(asyncio.ensure_future(call))
            await asyncio.sleep(gap_s)
        async with asyncio.timeout(60):
            await asyncio.gather(*running, return_exceptions=True)
        await rests(bench)
        assert await granted(bench)
        await bench.barrier.revoke()
        await rests(bench)


@pytest.mark.parametrize("step", range(12))
@story
async def test_a_cable_pulled_at_any_moment_leaves_a_driver_that_recovers(bench: BarrierBench, step: int) -> None:
    async def until_cut() -> None:
        while True:
            await bench.barrier.grant(ENTRY, TTL_MS)
            await bench.barrier.revoke()

    bench.damage("delay")
    await insist(bench, bench.barrier.connect)
    cut = asyncio.ensure_future(until_cut())
    await asyncio.sleep(0.013 * step)
    bench.unplug()
    with pytest.raises(LinkLostError):
        await cut
    bench.replug()
    await insist(bench, bench.barrier.connect)
    await rests(bench)
    assert not bench.stands(ENTRY)


@story
async def test_who_gives_up_is_let_go_at_once_and_leaves_the_line_to_the_others(bench: BarrierBench) -> None:
    barrier = bench.barrier
    await barrier.connect()
    for call in (barrier.status, barrier.revoke, barrier.release, lambda: barrier.grant(ENTRY, TTL_MS)):
        for gap_s in (0.0, 0.001, 0.02):
            running = asyncio.ensure_future(call())
            await asyncio.sleep(gap_s)
            is_cancelled = running.cancel()
            async with asyncio.timeout(5):
                await asyncio.gather(running, return_exceptions=True)
                assert running.cancelled() is is_cancelled, "a driver that swallows it ends no deadline of its caller"
                await barrier.revoke()
                await barrier.status()


# ── grants ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("direction", Direction)
@story
async def test_a_grant_goes_out_once_is_timed_and_stands_until_it_is_revoked(
    bench: BarrierBench, direction: Direction
) -> None:
    barrier, other = bench.barrier, EXIT if direction is ENTRY else ENTRY
    await barrier.connect()
    await polled(bench, 5)
    began_s = now_s()
    await barrier.grant(direction, TTL_MS)
    assert barrier.grant_written_at_s == pytest.approx(began_s, abs=0.05)
    assert (bench.grants(direction), bench.grants(other)) == (1, 0)
    status = await polled(bench, 1)
    assert (left(status, direction), left(status, other)) == (1, 0)
    assert status.position is not LeafPosition.CLOSED
    assert bench.stands(direction)
    for again in Direction:
        with pytest.raises(RefusedError):
            await barrier.grant(again, TTL_MS)
    assert (bench.grants(direction), bench.grants(other)) == (1, 0)
    await barrier.revoke()
    assert not bench.stands(direction)
    await rests(bench)


@pytest.mark.parametrize("direction", Direction)
@story
async def test_a_grant_is_over_with_its_passage_which_is_counted(bench: BarrierBench, direction: Direction) -> None:
    await bench.barrier.connect()
    for passages in (1, 2, 3):
        assert await granted(bench, direction)
        await polled(bench, 0.5)
        bench.pass_through(direction)
        status = await rests(bench)
        assert count(status, direction) == passages == bench.grants(direction)
        assert status.count_entry + status.count_exit == passages


@story
async def test_a_grant_that_nobody_uses_ends_without_the_host(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    assert await granted(bench)
    await asyncio.sleep(0.1)
    bench.unplug()
    await asyncio.sleep(LONGEST_GRANT_S)
    assert not bench.stands(ENTRY)
    bench.replug()
    await bench.barrier.connect()
    await rests(bench)


@story
async def test_a_grant_that_nobody_uses_is_seen_to_end(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    assert await granted(bench)
    await polled(bench, LONGEST_GRANT_S)
    assert not bench.stands(ENTRY)
    await bench.barrier.revoke()  # where the board does not say that it is over
    await rests(bench)
    assert bench.grants(ENTRY) == 1


@pytest.mark.parametrize("ttl_ms", [6_000, 20_000])
@story
async def test_a_grant_that_nobody_uses_ends_at_its_own_time(bench: BarrierBench, ttl_ms: int) -> None:
    await bench.barrier.connect()
    await bench.barrier.grant(ENTRY, ttl_ms)
    if bench.takes_ttl:
        await polled(bench, ttl_ms / 1000 - 1)
        assert bench.stands(ENTRY)
        await polled(bench, 2)
        assert not bench.stands(ENTRY)


@story
async def test_connecting_leaves_no_grant_unless_it_is_told_to(bench: BarrierBench) -> None:
    """In an emergency nothing closes: what revokes at the connect may close a leaf that people run through."""
    await bench.barrier.connect()
    assert await granted(bench)
    await bench.barrier.connect(revoke=False)
    assert bench.stands(ENTRY)
    await bench.barrier.revoke()
    await rests(bench)
    assert await granted(bench)
    await bench.barrier.connect()
    assert not bench.stands(ENTRY)
    await rests(bench)


@pytest.mark.parametrize("ttl_ms", [0, 999, 30_001])
@story
async def test_a_time_to_live_out_of_range_is_a_value_error(bench: BarrierBench, ttl_ms: int) -> None:
    await bench.barrier.connect()
    with pytest.raises(ValueError, match="time to live"):
        await bench.barrier.grant(ENTRY, ttl_ms)
    assert bench.grants(ENTRY) == 0


@pytest.mark.parametrize("answers", [1, 2, 3])
@story
async def test_a_lost_answer_grants_nobody_twice(bench: BarrierBench, answers: int) -> None:
    await bench.barrier.connect()
    await polled(bench, 4)
    bench.mute(answers)
    try:
        await bench.barrier.grant(ENTRY, TTL_MS)
    except NoReplyError:
        assert answers > 1
        await insist(bench, bench.barrier.revoke)
        assert bench.grants(ENTRY) <= 1, "none: the driver asked for the status first, and heard nothing"
        assert not bench.stands(ENTRY)
    else:
        assert bench.grants(ENTRY) == 1
        assert bench.stands(ENTRY)


@pytest.mark.parametrize("answers", [1, 2])
@story
async def test_a_traveller_who_is_through_before_the_answer_is_not_granted_a_second_passage(
    bench: BarrierBench, answers: int
) -> None:
    await bench.barrier.connect()
    await polled(bench, 4)
    bench.mute(answers)
    granting = asyncio.ensure_future(granted(bench))
    while not (bench.grants(ENTRY) or granting.done()):  # noqa: ASYNC110 - a board has no event
        await asyncio.sleep(0.001)
    heard = bench.grants(ENTRY)
    if heard:
        bench.pass_through(ENTRY)
    await granting
    assert bench.grants(ENTRY) == heard
    assert heard == 1 or answers > 1
    assert (await rests(bench)).count_entry == heard


@pytest.mark.parametrize("late_s", [0.26, 0.3, 0.4, 0.6, 1.0])
@pytest.mark.parametrize("gap_s", [0.02, 0.05, 0.1, 0.2])
@story
async def test_the_late_answer_to_an_earlier_question_is_no_answer_to_a_grant(
    bench: BarrierBench, late_s: float, gap_s: float
) -> None:
    await bench.barrier.connect()
    await polled(bench, 4)
    bench.delay(late_s)
    with contextlib.suppress(DriverError):
        await bench.barrier.status()
    bench.delay(0.0)
    await asyncio.sleep(gap_s)
    bench.lose(1)
    assert await granted(bench) is bench.stands(ENTRY)
    assert bench.grants(ENTRY) <= 1


@pytest.mark.parametrize("requests", [1, 2, 3, 6])
@story
async def test_a_grant_that_was_lost_arrives_once_or_is_given_up(bench: BarrierBench, requests: int) -> None:
    await bench.barrier.connect()
    await polled(bench, 4)
    bench.lose(requests)
    stood = await granted(bench)
    assert bench.grants(ENTRY) == int(stood)
    assert bench.stands(ENTRY) is stood
    assert stood or requests > 1


@story
async def test_a_board_that_does_not_carry_it_out_grants_nothing(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    await polled(bench, 1)
    bench.refuse()
    with pytest.raises(DriverError):
        await bench.barrier.grant(ENTRY, TTL_MS)
    assert not bench.stands(ENTRY)


@pytest.mark.parametrize("gap_s", [0.0, 0.001, 0.01, 0.03, 0.1])
@story
async def test_a_revoke_while_a_grant_is_under_way_has_the_last_word(bench: BarrierBench, gap_s: float) -> None:
    await bench.barrier.connect()
    await polled(bench, 1)
    bench.mute(1)
    granting = asyncio.ensure_future(bench.barrier.grant(ENTRY, TTL_MS))
    await asyncio.sleep(gap_s)
    is_over = granting.done()
    await insist(bench, bench.barrier.revoke)
    if not is_over:
        with pytest.raises((RefusedError, NoReplyError)):
            await granting
    assert bench.grants(ENTRY) <= 1
    assert not bench.stands(ENTRY)
    await rests(bench)


@pytest.mark.parametrize("wait_s", [0.0, 1.0])  # the status of the hello is young, then old
@pytest.mark.parametrize("is_revoked", [False, True])
@story
async def test_a_grant_that_is_withdrawn_or_revoked_before_its_turn_is_never_written(
    bench: BarrierBench, wait_s: float, *, is_revoked: bool
) -> None:
    await bench.barrier.connect()
    await asyncio.sleep(wait_s)
    asking = asyncio.ensure_future(bench.barrier.status())
    await asyncio.sleep(0)
    granting = asyncio.ensure_future(bench.barrier.grant(ENTRY, TTL_MS))
    await asyncio.sleep(0)
    written = bench.grants(ENTRY)  # a contact closes at once: it was its turn
    if is_revoked:
        await bench.barrier.revoke()
    else:
        bench.barrier.withdraw()
    (_, found) = await asyncio.gather(asking, granting, return_exceptions=True)
    assert written or isinstance(found, RefusedError)
    assert bench.grants(ENTRY) == written
    if is_revoked or not written:
        assert not bench.stands(ENTRY)


@story
async def test_a_grant_that_is_withdrawn_while_its_answer_is_awaited_is_not_written_again(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    await polled(bench, 4)
    bench.lose(1)
    granting = asyncio.ensure_future(bench.barrier.grant(ENTRY, TTL_MS))
    await asyncio.sleep(0.001)
    written = bench.grants(ENTRY)  # where no request can be lost
    bench.barrier.withdraw()
    (found,) = await asyncio.gather(granting, return_exceptions=True)
    assert written or isinstance(found, RefusedError | NoReplyError)
    assert bench.grants(ENTRY) == written


@story
async def test_a_status_asked_for_beside_a_grant_does_not_speak_for_the_time_after_it(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    polling = asyncio.ensure_future(bench.barrier.status())
    await asyncio.sleep(0)
    await bench.barrier.grant(ENTRY, TTL_MS)
    await polling
    with pytest.raises(RefusedError):
        await bench.barrier.grant(ENTRY, TTL_MS)
    assert bench.grants(ENTRY) == 1


# ── freeing, emergencies, what is there ──────────────────────────────────────────────────────────────────────────────


@story
async def test_a_release_opens_at_once_and_is_no_grant(bench: BarrierBench) -> None:
    barrier = bench.barrier
    await barrier.connect()
    await polled(bench, 1)
    began_s = now_s()
    polls = [asyncio.ensure_future(barrier.status()) for _ in range(5)]
    await asyncio.sleep(0)
    await barrier.release()
    assert now_s() - began_s < 0.1
    assert bench.releases() == 1
    await asyncio.gather(*polls)
    status = await polled(bench, 0.7)
    assert (status.grants_left_entry, status.grants_left_exit) == (0, 0)
    assert status.position is not LeafPosition.CLOSED
    assert barrier.grant_written_at_s is None
    assert bench.grants(ENTRY) == 0


@story
async def test_a_withdrawn_release_goes_on(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    bench.lose(1)
    releasing = asyncio.ensure_future(bench.barrier.release())
    await asyncio.sleep(0.001)
    bench.barrier.withdraw()
    await releasing
    assert bench.releases() == 1


@story
async def test_in_an_emergency_nothing_closes_nobody_is_granted_and_somebody_is_let_out(bench: BarrierBench) -> None:
    barrier = bench.barrier
    await barrier.connect()
    bench.set_fire(active=True)
    status = await polled(bench, 0.3)
    assert status.emergency_open
    assert status.fire is bench.shows_fire
    closings = bench.closings()
    with pytest.raises(RefusedError):
        await barrier.grant(ENTRY, TTL_MS)
    await barrier.revoke()
    await barrier.connect()
    await polled(bench, 0.5)
    await barrier.release()
    assert (bench.grants(ENTRY), bench.closings()) == (0, closings)
    assert bench.releases() == 1
    with pytest.raises(RefusedError):
        await barrier.end_emergency()
    bench.set_fire(active=False)
    assert (await polled(bench, 0.3)).emergency_open is not bench.fire_ends_it
    bench.turn_key()
    await barrier.end_emergency()
    assert not (await barrier.status()).emergency_open
    await asyncio.sleep(4)
    await insist(bench, barrier.revoke)
    await rests(bench)
    assert await granted(bench)


@story
async def test_an_emergency_that_outlasts_its_fire_input_closes_nothing_until_it_is_ended(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    bench.set_fire(active=True)
    await polled(bench, 0.3)
    bench.set_fire(active=False)
    status, closings = await polled(bench, 0.3), bench.closings()
    assert status.emergency_open is not bench.fire_ends_it
    if status.emergency_open:
        assert not status.fire
        with pytest.raises(RefusedError):
            await bench.barrier.grant(ENTRY, TTL_MS)
        await bench.barrier.revoke()
        await bench.barrier.connect()
        await bench.barrier.revoke()
        assert (bench.grants(ENTRY), bench.closings()) == (0, closings)


@story
async def test_an_emergency_while_a_grant_stands_leaves_it_to_the_board(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    assert await granted(bench)
    await polled(bench, 0.5)
    closings = bench.closings()
    bench.set_fire(active=True)
    assert (await polled(bench, 0.3)).emergency_open
    await bench.barrier.revoke()
    assert bench.closings() == closings


@story
async def test_somebody_before_the_leaf_is_a_body(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    bench.occupy(occupied=True)
    assert (await polled(bench, 0.3)).bodies == 1
    bench.occupy(occupied=False)
    assert (await polled(bench, 0.3)).bodies == 0


@story
async def test_a_lamp_and_alarms_are_told_where_the_board_has_them(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    for colour in LampColour:
        await bench.barrier.lamp(colour)
    await bench.barrier.clear_alarms((Alarm.OBSTRUCTED,))
    await bench.barrier.clear_alarms(tuple(Alarm))
    assert isinstance(bench.barrier.has_lamp, bool)
    await rests(bench)


@story
async def test_only_the_alarms_that_are_named_are_cleared(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    latched = set(bench.latch())
    assert len(latched) != 1
    for cleared in (set[Alarm](), *({alarm} for alarm in latched)):
        await bench.barrier.clear_alarms(tuple(cleared))
        latched -= cleared
        assert (await polled(bench, 0.3)).alarms >= latched
        assert not (await polled(bench, 0.3)).alarms & cleared


@story
async def test_the_self_test_grants_nothing_and_lets_the_line_go(bench: BarrierBench) -> None:
    await bench.barrier.connect()
    await rests(bench)
    bench.barrier.close()
    assert "closed" in await bench.barrier.check()
    assert bench.grants(ENTRY) == bench.grants(EXIT) == 0
    await all_is_lost(bench)
    assert all(isinstance(value, int) for value in bench.barrier.describe().values())
    bench.set_fire(active=True)
    with pytest.raises((NotWellError, RefusedError)):
        await bench.barrier.check()


# ── bad lines ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def crossings(bench: BarrierBench, travellers: int) -> int:
    """Let people through; return the number of valid grants. Each person gets one grant, and only persons who passed are counted."""
    stood = 0
    for _ in range(travellers):
        before, passed = bench.grants(ENTRY), await insist(bench, bench.barrier.status)
        stands = await granted(bench)
        assert bench.grants(ENTRY) - before <= 1
        if stands:
            stood += 1
            assert bench.stands(ENTRY)
            bench.pass_through(ENTRY)
        await insist(bench, bench.barrier.revoke)
        status = await polled(bench, 1)
        assert status.count_entry == passed.count_entry + stands
        assert not bench.stands(ENTRY)
    return stood


@pytest.mark.parametrize("damage", get_args(Damage))
@story
async def test_on_a_damaged_line_people_pass_nobody_is_granted_twice_and_orders_arrive(
    bench: BarrierBench, damage: Damage
) -> None:
    bench.damage(damage)
    await insist(bench, bench.barrier.connect)
    assert await crossings(bench, 12) >= 8
    await insist(bench, bench.barrier.release)
    assert bench.releases()


@pytest.mark.parametrize("late_s", [0.1, 0.3, 0.6, 1.0, 2.0])
@story
async def test_on_a_late_line_nobody_is_granted_twice_and_a_release_is_heard(
    bench: BarrierBench, late_s: float
) -> None:
    await bench.barrier.connect()
    await polled(bench, 4)
    bench.delay(late_s)
    with contextlib.suppress(DriverError):
        await bench.barrier.release()
    assert bench.releases()
    for _ in range(5):
        before = bench.grants(ENTRY)
        with contextlib.suppress(DriverError):
            await bench.barrier.grant(ENTRY, TTL_MS)
        assert bench.grants(ENTRY) - before <= 1
        with contextlib.suppress(DriverError):
            await bench.barrier.revoke()
        assert not bench.stands(ENTRY)
        with contextlib.suppress(DriverError):
            await bench.barrier.connect()
