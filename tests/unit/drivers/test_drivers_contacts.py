"""The contacts driver before a simulated chip and turnstile: pulses, counts by edges, outputs that are read back, what it never does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from fakes.barrier import at_rest
from fakes.contacts_gate import ContactsBench, contacts_bench, shipped
from fakes.gpio_turnstile import LAMP, PASS_A, PASS_B, READY
from fakes.stories import on

from drivers.barrier.contacts.gpio import EVENTS_KEPT
from drivers.barrier.contacts.profile import ContactsProfile, Input, Output
from gate_core.errors import DriverError, LinkLostError, NotWellError, RefusedError, SetupError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import Direction, LampColour, LeafPosition

A, B, STOP = range(3)
PULSE_S = 0.3


def without_stop() -> ContactsProfile:
    profile = shipped()
    return msgspec.structs.replace(profile, grant=msgspec.structs.replace(profile.grant, stop=None))


def with_release(line: int) -> ContactsProfile:
    return msgspec.structs.replace(shipped(), release=Output(line=line))


def with_open(line: int) -> ContactsProfile:
    profile = shipped()
    opened = Input(line=line, bias="pull_up", active_low=True)
    return msgspec.structs.replace(profile, status=msgspec.structs.replace(profile.status, open=opened))


def with_chip(name: str) -> ContactsProfile:
    return msgspec.structs.replace(shipped(), chip=name)


def now_s() -> float:
    return asyncio.get_running_loop().time()


def pulse(made: ContactsBench, line: int, seconds: float) -> None:
    """One of the turnstile's contacts closes for a moment."""
    made.chip.drive(line, False)
    asyncio.get_running_loop().call_later(seconds, made.chip.drive, line, None)


async def lasts(made: ContactsBench, line: int) -> float:
    """For how long a line that is high now stays so."""
    assert made.chip.level(line)
    began_s = now_s()
    while made.chip.level(line):  # noqa: ASYNC110 - a pin has no event
        await asyncio.sleep(0.001)
    return now_s() - began_s


# ── grants ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@on(contacts_bench)
async def test_a_grant_is_one_pulse_and_stands_until_the_passage_is_counted(made: ContactsBench) -> None:
    await made.polled(1)
    began_s = now_s()
    await made.barrier.grant(Direction.ENTRY, 10_000)
    assert made.barrier.grant_written_at_s == began_s
    assert await lasts(made, A) == pytest.approx(PULSE_S, abs=0.002)
    assert (await made.polled(0.5)).grants_left_entry == 1
    with pytest.raises(RefusedError, match="outstanding"):
        await made.barrier.grant(Direction.EXIT, 10_000)
    made.pass_through(Direction.ENTRY)
    status = await made.polled(0.2)
    assert (status.count_entry, status.count_exit, status.grants_left_entry) == (1, 0, 0)
    assert (made.grants(Direction.ENTRY), made.grants(Direction.EXIT)) == (1, 0)


@on(contacts_bench)
async def test_a_revoke_cuts_the_pulse_and_a_moment_later_stops_the_gate(made: ContactsBench) -> None:
    await made.polled(1)
    await made.barrier.grant(Direction.ENTRY, 10_000)
    await asyncio.sleep(0.1)
    began_s = now_s()
    await made.barrier.revoke()
    assert now_s() - began_s == pytest.approx(0.05, abs=0.01)
    assert made.chip.level(STOP)
    assert not made.chip.level(A)
    assert not made.stands(Direction.ENTRY)
    assert (await made.barrier.status()).grants_left_entry == 0
    assert await lasts(made, STOP) == pytest.approx(PULSE_S, abs=0.002)
    assert made.turnstile.at_once == 1


@on(contacts_bench)
async def test_a_grant_behind_a_revoke_waits_for_the_end_of_the_stop(made: ContactsBench) -> None:
    await made.barrier.revoke()
    began_s = now_s()
    await made.barrier.grant(Direction.ENTRY, 10_000)
    assert now_s() - began_s == pytest.approx(PULSE_S + 0.05, abs=0.02)
    assert made.stands(Direction.ENTRY)
    assert made.turnstile.at_once == 1


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        (lambda made: made.barrier.withdraw(), "withdrawn"),
        (lambda made: made.set_fire(active=True), "emergency"),
    ],
    ids=["withdrawn", "fire"],
)
@on(contacts_bench)
async def test_a_grant_that_waits_for_a_stop_goes_no_further(
    made: ContactsBench, ends: Callable[[ContactsBench], None], why: str
) -> None:
    granting = asyncio.ensure_future(made.barrier.grant(Direction.ENTRY, 10_000))
    await asyncio.sleep(0.05)
    ends(made)
    with pytest.raises(RefusedError, match=why):
        await granting
    assert made.grants(Direction.ENTRY) == 0


@on(lambda: contacts_bench(without_stop()))
async def test_without_a_stop_a_grant_stands_for_the_gates_time_and_connecting_lets_it_pass(
    made: ContactsBench,
) -> None:
    await made.polled(1)
    await made.barrier.grant(Direction.ENTRY, 10_000)
    await made.barrier.revoke()
    assert not made.chip.level(A)
    assert (await made.polled(1)).grants_left_entry == 1, "nothing can take it back"
    began_s = now_s()
    await made.barrier.connect()
    assert now_s() - began_s == pytest.approx(5, abs=0.1)
    assert not made.stands(Direction.ENTRY)
    assert (await made.barrier.status()).grants_left_entry == 0
    assert made.grants(Direction.ENTRY) == 1


# ── release and emergency ────────────────────────────────────────────────────────────────────────────────────────────


@on(lambda: contacts_bench(with_release(3)))
async def test_a_gate_with_a_contact_for_it_is_released_by_that_one(made: ContactsBench) -> None:
    await made.polled(1)
    await made.barrier.release()
    assert made.chip.level(3)
    assert await lasts(made, 3) == pytest.approx(PULSE_S, abs=0.002)
    assert made.grants(Direction.EXIT) == 0


@on(lambda: contacts_bench(with_release(3)))
async def test_a_stop_that_waits_is_not_given_when_the_fire_loop_opens(made: ContactsBench) -> None:
    await made.polled(1)
    await made.barrier.release()
    revoking = asyncio.ensure_future(made.barrier.revoke())
    await asyncio.sleep(0.05)
    assert made.chip.level(3)
    made.gate.fire = True
    await revoking
    for _ in range(60):
        assert not made.chip.level(STOP)
        await asyncio.sleep(0.01)


# ── what is read ─────────────────────────────────────────────────────────────────────────────────────────────────────


@on(contacts_bench)
async def test_passages_are_counted_however_short_and_however_many_between_two_looks(made: ContactsBench) -> None:
    await made.barrier.status()
    for line in (PASS_A, PASS_B, PASS_A, PASS_A):
        pulse(made, line, 0.02)
        await asyncio.sleep(0.3)
    status = await made.barrier.status()
    assert (status.count_entry, status.count_exit) == (3, 1)


@on(contacts_bench)
async def test_edges_that_the_kernel_had_no_room_for_are_counted(made: ContactsBench) -> None:
    pulse(made, PASS_B, 0.1)
    for _ in range(EVENTS_KEPT + 44):
        pulse(made, PASS_A, 0.1)
        await asyncio.sleep(0.5)
    status = await made.barrier.status()
    assert (status.count_entry, status.count_exit) == (EVENTS_KEPT + 44, 1), "nor does one line crowd out the other"
    assert made.barrier.describe()["edges_forgotten"] == 44


async def bounces(made: ContactsBench, apart_s: float, times: int = 6) -> None:
    for _ in range(times):
        pulse(made, PASS_A, apart_s / 2)
        await asyncio.sleep(apart_s)


@on(contacts_bench)
async def test_what_bounces_within_the_debounce_is_no_passage_and_what_bounces_beyond_puts_the_lane_out_of_service(
    made: ContactsBench,
) -> None:
    await bounces(made, 0.006)
    assert (await made.barrier.status()).count_entry == 0
    await bounces(made, 0.02)
    with pytest.raises(NotWellError, match="faster than people walk"):
        await made.barrier.status()
    with pytest.raises(LinkLostError, match="faster than people"):
        await made.barrier.status()
    assert made.chip.owned == 0


@on(contacts_bench)
async def test_a_contact_that_bounces_on_is_noticed_look_by_look_and_keeps_the_lane_out_of_service_until_it_is_calm(
    made: ContactsBench,
) -> None:
    bouncing = asyncio.ensure_future(bounces(made, 0.03, times=100))
    with pytest.raises(NotWellError, match="faster than people walk"):
        await made.polled(1)
    with pytest.raises(NotWellError, match="faster than people walk"):
        await made.barrier.connect()
    await bouncing
    began_s = now_s()
    await made.barrier.connect()
    assert now_s() - began_s == pytest.approx(1, abs=0.02)
    assert at_rest(await made.polled(0.5))
    await made.barrier.connect()
    assert now_s() - began_s < 2, "calm is not asked for again"


@on(contacts_bench)
async def test_people_who_hurry_one_behind_the_other_are_counted(made: ContactsBench) -> None:
    for _ in range(30):
        pulse(made, PASS_A, 0.1)
        await made.polled(0.35)
    assert (await made.barrier.status()).count_entry == 30


@on(contacts_bench)
async def test_a_leaf_is_closed_only_when_its_contact_says_so(made: ContactsBench) -> None:
    made.turnstile._chip = None  # the turnstile's cable is out
    made.chip.drive(READY, None)
    await asyncio.sleep(0.02)
    assert (await made.barrier.status()).position is LeafPosition.UNKNOWN


@on(lambda: contacts_bench(with_open(14)))
async def test_a_leaf_whose_contacts_contradict_each_other_is_nowhere(made: ContactsBench) -> None:
    assert (await made.barrier.status()).position is LeafPosition.CLOSED
    made.chip.drive(14, False)
    await asyncio.sleep(0.02)
    assert (await made.barrier.status()).position is LeafPosition.UNKNOWN
    made.gate.motor_fault = True  # not ready
    await asyncio.sleep(0.05)
    status = await made.barrier.status()
    assert (status.position, status.alarms) == (LeafPosition.OPEN, {Alarm.MOTOR_FAULT})


# ── outputs are read back ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "level", "why"),
    [(A, True, "left stays closed"), (STOP, True, "stop stays closed"), (STOP, False, "stop does not close")],
)
@on(contacts_bench, connected=False)
async def test_an_output_that_sticks_keeps_the_lane_out_of_service(
    made: ContactsBench, line: int, *, level: bool, why: str
) -> None:
    made.chip.stick(line, level)
    for _ in range(2):
        with pytest.raises(NotWellError, match=why):
            await made.barrier.connect()
    made.chip.stick(line, None)
    await made.barrier.connect()
    assert at_rest(await made.polled(0.5))


@on(contacts_bench)
async def test_a_contact_that_does_not_close_grants_nothing_and_says_so(made: ContactsBench) -> None:
    await made.polled(1)
    made.chip.stick(A, False)
    with pytest.raises(NotWellError, match="left does not close"):
        await made.barrier.grant(Direction.ENTRY, 10_000)
    with pytest.raises(LinkLostError, match="left does not close"):
        await made.barrier.status()
    assert made.grants(Direction.ENTRY) == 0


@on(contacts_bench)
async def test_a_contact_that_nobody_means_to_be_closed_is_opened_at_the_next_look(made: ContactsBench) -> None:
    await made.polled(1)
    made.chip._lines[B].out = True
    made.chip._told(B)
    assert (await made.barrier.status()).grants_left_exit == 1, "the turnstile took it for a pulse"
    assert not made.chip.level(B)
    await made.barrier.revoke()
    assert at_rest(await made.polled(1))


@on(contacts_bench)
async def test_the_lamp_is_shown_and_one_that_is_not_is_refused(made: ContactsBench) -> None:
    await made.barrier.lamp(LampColour.AMBER)
    await made.barrier.grant(Direction.ENTRY, 10_000)
    assert made.turnstile.lamp == 3, "a pulse leaves the lamp as it is"
    made.chip.stick(LAMP[0], False)
    with pytest.raises(RefusedError, match="lamp"):
        await made.barrier.lamp(LampColour.RED)
    assert (await made.barrier.status()).grants_left_entry == 1


# ── losing the chip ──────────────────────────────────────────────────────────────────────────────────────────────────


@on(lambda: contacts_bench(keeps_outputs=True))
async def test_closing_switches_everything_off_and_lets_the_lines_go(made: ContactsBench) -> None:
    await made.polled(1)
    await made.barrier.lamp(LampColour.GREEN)
    await made.barrier.grant(Direction.ENTRY, 10_000)
    made.barrier.close()
    assert not any(made.chip.level(line) for line in range(6))
    assert made.chip.owned == 0
    await asyncio.sleep(1)  # the pulse's end finds nothing left to do


@on(contacts_bench)
async def test_who_connects_anew_in_the_middle_of_a_pulse_waits_a_moment_before_the_stop(made: ContactsBench) -> None:
    await made.polled(1)
    await made.barrier.grant(Direction.ENTRY, 10_000)
    began_s = now_s()
    await made.barrier.connect()
    assert now_s() - began_s == pytest.approx(0.05, abs=0.015)
    assert made.chip.level(STOP)


@pytest.mark.parametrize("keeps_outputs", [True, False])
@on(contacts_bench, "keeps_outputs")
async def test_who_dies_in_the_middle_of_a_pulse_may_leave_a_contact_closed_until_somebody_connects(
    made: ContactsBench,
) -> None:
    """Why a profile must say what a held contact does, and what ends a grant."""
    await made.polled(1)
    await made.barrier.grant(Direction.ENTRY, 10_000)
    for descriptor in list(made.chip._requests):
        made.chip.close(descriptor)  # as the kernel does for a dead program
    barrier = made.barrier
    assert barrier._pulse_ends is not None
    barrier._pulse_ends.cancel()
    await asyncio.sleep(2)
    assert made.chip.level(A) is made.keeps_outputs
    assert bool(made.told.count("held_open")) is made.keeps_outputs, "a gate of the wrong kind"
    barrier._line = None
    await barrier.connect()
    assert not made.chip.level(A)
    assert not made.stands(Direction.ENTRY)


@on(contacts_bench)
async def test_counts_begin_anew_with_each_connection_for_nobody_counted_in_between(made: ContactsBench) -> None:
    pulse(made, PASS_A, 0.1)
    await asyncio.sleep(0.3)
    before = await made.barrier.status()
    assert before.count_entry == 1
    await made.barrier.connect()
    after = await made.barrier.status()
    assert (after.count_entry, after.count_exit) == (0, 0)
    assert after.restarts > before.restarts
    seen = []
    for _ in range(5):
        await made.barrier.connect()
        seen.append((await made.barrier.status()).restarts)
    assert len(set(seen)) == 5, "several within the same tenth of a second"


# ── the self-test ────────────────────────────────────────────────────────────────────────────────────────────────────


def burning(made: ContactsBench) -> None:
    made.gate.fire = True


def open_leaf(made: ContactsBench) -> None:
    made.gate.force_leaf(30)


@pytest.mark.parametrize(
    ("before", "why"), [(burning, "fire input"), (open_leaf, "unknown, not closed")], ids=["fire", "leaf"]
)
@on(contacts_bench, connected=False)
async def test_the_check_says_what_is_wrong(
    made: ContactsBench, before: Callable[[ContactsBench], None], why: str
) -> None:
    before(made)
    if before is open_leaf:
        made.gate.motor_fault = True  # it stays where it was pushed
    await asyncio.sleep(0.05)
    with pytest.raises(DriverError, match=why):
        await made.barrier.check()
    assert made.chip.owned == 0


@on(contacts_bench, connected=False)
async def test_the_check_grants_nothing_and_says_what_only_a_walk_shows(made: ContactsBench) -> None:
    await asyncio.sleep(0.05)
    said = await made.barrier.check()
    assert said == "closed, stop reads back; the gate must end a grant within 5000 ms: only a walk shows that it does"
    assert made.grants(Direction.ENTRY) == made.grants(Direction.EXIT) == 0
    assert not any(made.chip.level(line) for line in range(6))


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        (with_open(16), "lines 8, 16, 11, 12, 13 of portcullis-contacts cannot be had"),
        (with_release(16), "lines 0, 1, 2, 16, 4, 5 of portcullis-contacts cannot be had"),
        (with_chip("other"), "'portcullis-contacts', the profile is for 'other'"),
    ],
    ids=["input", "output", "chip"],
)
@on(contacts_bench, "profile", connected=False)
async def test_another_chip_and_lines_that_it_does_not_have_are_setup_errors(made: ContactsBench, why: str) -> None:
    with pytest.raises(SetupError, match=why):
        await made.barrier.connect()
    assert made.chip.owned == 0
    assert not made.chip._open


@on(contacts_bench)
async def test_lines_that_another_program_has_are_a_lost_link(made: ContactsBench) -> None:
    async with contacts_bench() as other:
        other.chip = made.chip
        with pytest.raises(LinkLostError, match="in use"):
            await other.barrier.connect()
        assert at_rest(await made.polled(0.4)), "the owner goes on"
