"""The sensor driver before the simulated unit: what it reports, what it does not know, and every bad line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from fakes.sensors import PROFILES, SensorBench, on_sensor_bench, sensor_bench, unbacked
from fakes.stories import told_to

from drivers.links import Link
from gate_contract.links import BitFlips, Bursts, ByteLoss, Delay, Echo, OneByteAtATime, RandomLoss
from gate_contract.virtual_time import in_virtual_time, run_virtual
from gate_core.errors import DriverError, LinkLostError, NoReplyError, NotWellError, RefusedError, SetupError
from gate_core.ports.values import InsideStatus
from hardware_sim.sensors.unit import Fault

BOTH = pytest.mark.parametrize("profile", PROFILES)
Line = Callable[[Link, int], Link]
LINES: dict[str, Line] = {
    "sound": lambda link, _: link,
    "one byte at a time": lambda link, _: OneByteAtATime(link),
    "loss 20 %": lambda link, seed: RandomLoss(link, seed=seed),
    "delay": lambda link, seed: Delay(link, seed=seed, delay_s_max=0.05),
    "delay past the deadline": lambda link, seed: Delay(link, seed=seed, delay_s_max=0.15),
    "bit flips 1e-4": lambda link, seed: BitFlips(link, seed=seed, share=1e-4),
    "bit flips 1e-3": lambda link, seed: BitFlips(link, seed=seed, share=1e-3),
    "bursts": lambda link, seed: Bursts(link, seed=seed, share=0.2),
    "bytes lost and invented": lambda link, seed: ByteLoss(link, seed=seed, share=0.005),
    "echo": lambda link, _: Echo(link),
}


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def polled(made: SensorBench, seconds: float) -> InsideStatus:
    """Poll as the lane does for a while; everything that is said must be borne out."""
    until_s = now_s() + seconds
    while True:
        status = await made.sensors.status()
        assert not unbacked(status, made.held, now_s())
        if now_s() >= until_s:
            return status
        await asyncio.sleep(0.1)


async def insisting(call: Callable[[], Awaitable[None]]) -> None:
    for _ in range(50):
        with contextlib.suppress(NoReplyError):
            return await call()
    raise AssertionError("50 attempts were not enough")


# ── what is reported ─────────────────────────────────────────────────────────────────────────────────────────────────


@BOTH
@told_to(on_sensor_bench, takes=("profile",))
async def test_people_are_counted_while_they_are_between_the_doors(made: SensorBench) -> None:
    made.device.walk("anna", 0.8)
    assert (await polled(made, 0.3)).people == 0
    assert (await polled(made, 1.5)).people == 1
    made.device.walk("ben", 2.2)
    assert (await polled(made, 2.0)).people == 2
    made.device.walk("anna", -1.0)
    made.device.walk("ben", 4.0)
    assert (await polled(made, 3.0)).people == 0


@BOTH
@told_to(on_sensor_bench, takes=("profile",))
async def test_an_object_a_call_an_open_cabinet_and_lost_mains_show_and_pass(made: SensorBench) -> None:
    made.device.lay("bag", 1.0, 55)
    made.device.press(pressed=True)
    made.device.open_cabinet(is_open=True)
    made.device.set_mains(present=False)
    status = await polled(made, 0.4)
    assert (status.people, status.object_left) == (0, True)
    assert (status.call_pressed, status.cabinet_open, status.mains_present) == (True, True, False)
    made.device.take("bag")
    made.device.press(pressed=False)
    made.device.open_cabinet(is_open=False)
    made.device.set_mains(present=True)
    status = await polled(made, 1.4)
    assert status.object_left is False
    assert (status.call_pressed, status.cabinet_open, status.mains_present) == (False, False, True)


@BOTH
@told_to(on_sensor_bench, takes=("profile",))
async def test_nothing_is_ever_written_to_the_unit(made: SensorBench) -> None:
    await polled(made, 1.0)
    assert {request[1] for request in made.requests} <= {2, 4}


# ── what is not known ────────────────────────────────────────────────────────────────────────────────────────────────


@BOTH
@told_to(on_sensor_bench, takes=("profile",))
async def test_a_counter_that_is_covered_knows_of_nobody_and_of_nothing(made: SensorBench) -> None:
    made.device.break_by_name("blind")
    status = await polled(made, 0.3)
    assert (status.people, status.object_left) == (None, None)
    assert status.age_ms < 500
    made.device.break_by_name(None)
    assert (await polled(made, 0.3)).people == 0


@BOTH
@told_to(on_sensor_bench, takes=("profile",))
async def test_a_measurement_that_is_too_old_says_nothing_and_looks_as_old_as_it_is(made: SensorBench) -> None:
    made.device.break_by_name("stale")
    status = await polled(made, 3.0)
    assert (status.people, status.object_left) == (None, None)
    assert status.age_ms >= 2900
    made.device.press(pressed=True)
    assert (await polled(made, 0.2)).call_pressed  # contacts are read all the same


@BOTH
@told_to(on_sensor_bench, takes=("profile",))
async def test_a_unit_that_was_powered_up_anew_is_lost_and_knows_nothing_until_it_has_measured(
    made: SensorBench,
) -> None:
    session = (await made.sensors.status()).session
    made.device.power_cycle()
    with pytest.raises(LinkLostError, match="powered up anew"):
        await made.sensors.status()
    with pytest.raises(LinkLostError, match="not connected"):
        await made.sensors.status()
    await made.sensors.connect()
    status = await made.sensors.status()
    assert status.session == session + 1
    assert (status.people, status.object_left) == (None, None)
    assert status.age_ms > 60_000
    assert (await polled(made, 2.0)).people == 0


@in_virtual_time
async def test_a_power_cut_in_the_midst_of_a_look_is_seen_by_its_end() -> None:
    class CutsBetween(OneByteAtATime):
        """The unit's power goes once the counter was asked, before the contacts are."""

        async def write(self, payload: bytes) -> None:
            if payload[1] == 2:
                made_here[0].device.power_cycle()
            await self.inner.write(payload)

    made_here: list[SensorBench] = []
    async with sensor_bench("inputs-8") as made:
        made_here.append(made)
        made.host_line = CutsBetween
        with pytest.raises(LinkLostError, match="powered up anew"):
            await made.sensors.connect()


@BOTH
@told_to(on_sensor_bench, takes=("profile",))
async def test_silence_is_no_answer_and_an_exception_is_a_refusal(made: SensorBench) -> None:
    made.device.break_by_name("silent")
    with pytest.raises(NoReplyError):
        await made.sensors.status()
    assert made.sensors.health.silences == 4
    made.device.break_by_name(None)
    made.device._slave.busy = True
    with pytest.raises(NoReplyError):
        await made.sensors.status()
    made.device._slave.busy = False
    await polled(made, 0.5)


@pytest.mark.parametrize(
    ("profile", "read_as", "error", "why"),
    [
        ("inputs-8", "portcullis-sim", SetupError, "the profile expects"),
        ("portcullis-sim", "inputs-8", RefusedError, "exception 2"),
    ],
)
@in_virtual_time
async def test_a_unit_that_is_another_one_than_the_profile_says_is_told(
    profile: str, read_as: str, error: type[DriverError], why: str
) -> None:
    async with sensor_bench(profile, read_as=read_as) as made:
        with pytest.raises(error, match=why):
            await made.sensors.connect()
        with pytest.raises(LinkLostError):
            await made.sensors.status()


# ── others on the line ───────────────────────────────────────────────────────────────────────────────────────────────


@BOTH
@told_to(on_sensor_bench, takes=("profile",))
async def test_a_unit_with_another_number_is_passed_over(made: SensorBench) -> None:
    made.device.walk("anna", 1.0)
    await polled(made, 2.0)
    made.device.break_by_name("stranger")
    assert (await polled(made, 1.0)).people == 1
    assert made.sensors.health.bytes_passed_over > 0


@BOTH
@told_to(on_sensor_bench, takes=("profile",))
async def test_a_unit_with_the_same_number_is_another_session_and_then_no_unit_at_all(made: SensorBench) -> None:
    made.device.walk("anna", 1.0)
    await polled(made, 2.0)
    made.device.break_by_name("clash")
    with pytest.raises(LinkLostError, match="powered up anew"):
        await made.sensors.status()
    for _ in range(3):
        with pytest.raises(NotWellError, match="two units answer to number 1"):
            await made.sensors.connect()
        with pytest.raises(LinkLostError):
            await made.sensors.status()
    made.device.break_by_name(None)
    await made.sensors.connect()
    assert (await polled(made, 0.5)).people == 1


# ── bad lines ────────────────────────────────────────────────────────────────────────────────────────────────────────


@BOTH
@pytest.mark.parametrize("name", LINES)
def test_on_every_line_nothing_is_said_that_the_unit_does_not_bear_out(profile: str, name: str) -> None:
    async def run() -> tuple[int, int]:
        asked = known = 0
        async with sensor_bench(profile) as made:
            line, health = LINES[name], made.sensors.health
            made.host_line = lambda link: line(link, health.connects)
            if name != "echo":  # an adapter's: the unit does not hear itself
                made.unit_line = lambda link: line(link, 100_000 + health.connects)
            await insisting(made.sensors.connect)
            for turn in range(80):
                made.device.walk("anna", (1.0, 4.0, 2.0, -1.0)[turn // 5 % 4])
                made.device.open_cabinet(is_open=turn % 3 == 0)
                made.device.press(pressed=turn % 20 < 3)
                asked += 1
                with contextlib.suppress(NoReplyError):
                    status = await made.sensors.status()
                    assert not unbacked(status, made.held, now_s())
                    known += status.people is not None
                await asyncio.sleep(0.1)
        return asked, known

    asked, known = run_virtual(run())
    assert known >= asked * (0.5 if "past" in name else 0.9)


@in_virtual_time
async def test_an_answer_that_comes_a_question_late_is_as_old_as_the_first_question() -> None:
    class ALookLate(OneByteAtATime):
        """Gives each answer to the next question but one of its length, as an adapter does that holds bytes back."""

        def __init__(self, inner: Link) -> None:
            super().__init__(inner)
            self._held: list[bytes] = []
            self.lag = 0

        async def write(self, payload: bytes) -> None:
            self._held.append(payload)
            if len(self._held) > self.lag:
                await self.inner.write(self._held.pop(0))

    lines: list[ALookLate] = []

    def wrap(link: Link) -> Link:
        lines.append(ALookLate(link))
        return lines[-1]

    async with sensor_bench() as made:
        made.unit_line = wrap
        await made.sensors.connect()
        await polled(made, 0.5)
        lines[-1].lag = 2  # two questions go by unanswered; the third is answered with what the first asked for
        asked_at_s = now_s()
        status = await made.sensors.status()
        assert not unbacked(status, made.held, now_s())
        assert status.age_ms >= (now_s() - asked_at_s) * 1000
        assert made.sensors.health.silences == 2


@BOTH
@told_to(on_sensor_bench, takes=("profile",))
async def test_calls_from_many_tasks_take_turns_and_closing_ends_them(made: SensorBench) -> None:
    for status in await asyncio.gather(*(made.sensors.status() for _ in range(5))):
        assert not unbacked(status, made.held, now_s())
    assert made.sensors.health.silences == 0
    made.device.break_by_name("silent")
    asking = [asyncio.ensure_future(made.sensors.status()) for _ in range(3)]
    await asyncio.sleep(0.05)
    made.sensors.close()
    assert all(isinstance(found, LinkLostError) for found in await asyncio.gather(*asking, return_exceptions=True))


@in_virtual_time
async def test_who_connects_twice_at_a_time_leaves_no_line_open() -> None:
    async with sensor_bench() as made:
        await made.sensors.connect()
        asking = asyncio.ensure_future(made.sensors.status())
        await asyncio.sleep(0)
        await asyncio.gather(made.sensors.connect(), made.sensors.connect(), asking, return_exceptions=True)
        assert len(made.opened) == 3
        made.sensors.close()
        for near in made.opened:
            with pytest.raises(LinkLostError):
                await near.write(b"?")


@in_virtual_time
async def test_answers_that_were_held_back_and_come_all_at_once_are_no_second_unit() -> None:
    class Bunches(OneByteAtATime):
        """Holds the second to the fourth frame back until all three are there."""

        def __init__(self, inner: Link) -> None:
            super().__init__(inner)
            self._frames = 0
            self._held = b""

        async def read(self, bytes_max: int) -> bytes:
            return await self.inner.read(bytes_max)

        async def write(self, payload: bytes) -> None:
            self._frames += 1
            self._held += payload
            if self._frames not in {2, 3}:
                await self.inner.write(self._held)
                self._held = b""

    async with sensor_bench() as made:
        made.unit_line = Bunches
        await made.sensors.connect()
        assert made.sensors.health.silences == 2


# ── the self-test ────────────────────────────────────────────────────────────────────────────────────────────────────


@BOTH
@in_virtual_time
async def test_the_self_test_says_who_and_what_is_inside(profile: str) -> None:
    async with sensor_bench(profile) as made:
        made.device.walk("anna", 1.0)
        made.device.lay("bag", 1.0, 55)
        await asyncio.sleep(2.0)
        said = await made.sensors.check()
        assert said.startswith("1 inside, an object left, measured ")
        assert said.endswith(" ms ago, session 1")


@BOTH
@in_virtual_time
async def test_the_self_test_says_all_that_is_wrong_at_once(profile: str) -> None:
    async with sensor_bench(profile) as made:
        made.device.break_by_name("blind")
        made.device.press(pressed=True)
        made.device.open_cabinet(is_open=True)
        made.device.set_mains(present=False)
        await asyncio.sleep(0.2)
        with pytest.raises(NotWellError) as raised:
            await made.sensors.check()
        said = str(raised.value)
        for wrong in ("cannot tell how many", "call button", "cabinet is open", "mains are gone"):
            assert wrong in said


@BOTH
@pytest.mark.parametrize(("fault", "why"), [(Fault.STALE, "it does not measure"), (Fault.CLASH, "two units answer")])
@in_virtual_time
async def test_the_self_test_finds_a_unit_that_cannot_serve(profile: str, fault: Fault, why: str) -> None:
    async with sensor_bench(profile) as made:
        made.device.break_by_name(fault.value)
        with pytest.raises(NotWellError, match=why):
            await made.sensors.check()
