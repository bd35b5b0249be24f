"""What holds for the sensor driver whatever happens and whatever bytes come: never fresher, never emptier than the unit's truth."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from fakes.sensors import BAUD, PROFILES, SensorBench, sensor_bench, unbacked
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.links import Link
from drivers.sensors.driver import ModbusSensors
from drivers.sensors.profile import load_profile
from gate_contract.links import BitFlips, Bursts, Delay, RandomLoss
from gate_contract.virtual_time import in_virtual_time
from gate_core.errors import DriverError, LinkLostError
from gate_core.ports.memory_link import MemoryLink, memory_pair
from gate_core.ports.values import InsideStatus
from hardware_sim.modbus import seal as framed
from hardware_sim.sensors.unit import Fault

# ── whatever happens ─────────────────────────────────────────────────────────────────────────────────────────────────

_FAULTS = [
    None,
    *(fault.value for fault in Fault if fault is not Fault.CLASH),
]  # a clash is another truth, told by its session
_steps = st.lists(
    st.tuples(
        st.one_of(
            st.tuples(st.just("walk"), st.sampled_from(["anna", "ben"]), st.sampled_from([-1.0, 0.5, 1.5, 2.0, 4.0])),
            st.tuples(st.just("lay"), st.sampled_from([5.0, 30.0, 60.0])),
            st.tuples(st.just("contacts"), st.booleans(), st.booleans(), st.booleans()),
            st.tuples(st.just("fault"), st.sampled_from(_FAULTS)),
            st.tuples(st.just("power")),
            st.tuples(st.just("connect")),
            st.tuples(st.just("unplug")),
        ),
        st.floats(0, 0.8),
    ),
    min_size=1,
    max_size=8,
)


def _worn(seed: int, *, badly: bool) -> Callable[[Link], Link]:
    if not badly:
        return lambda link: link
    return lambda link: RandomLoss(
        Bursts(
            BitFlips(Delay(link, seed=seed, delay_s_max=0.14), seed=seed, share=1e-3),
            seed=seed,
            share=0.05,
        ),
        seed=seed,
        share=0.1,
    )


async def _do(made: SensorBench, step: tuple[object, ...]) -> None:
    device = made.device
    match step:
        case ("walk", str(who), float(to_m)):
            device.walk(who, to_m)
        case ("lay", float(size_cm)):
            device.lay("bag", 1.0, size_cm)
        case ("contacts", bool(pressed), bool(is_open), bool(present)):
            device.press(pressed=pressed)
            device.open_cabinet(is_open=is_open)
            device.set_mains(present=present)
        case ("fault", fault):
            device.break_by_name(fault if isinstance(fault, str) else None)
        case ("power",):
            device.power_cycle()
        case ("connect",):
            with contextlib.suppress(DriverError):
                await made.sensors.connect()
        case _:
            made.unplug()
            made.plugged = True


async def _polls(made: SensorBench) -> int:
    """Poll as a keeper does, connecting anew when the line is lost; everything that is said must be borne out."""
    said = 0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            try:
                status = await made.sensors.status()
            except LinkLostError:
                with contextlib.suppress(DriverError):
                    await made.sensors.connect()
            except DriverError:
                pass
            else:
                now_s = asyncio.get_running_loop().time()
                assert not unbacked(status, made.held, now_s), status
                said += 1
            await asyncio.sleep(0.1)
    return said


@given(steps=_steps, profile=st.sampled_from(PROFILES), seed=st.integers(0, 2**32), badly=st.booleans())
@settings(deadline=None, max_examples=100)
@in_virtual_time
async def test_whatever_happens_nothing_is_said_that_the_unit_does_not_bear_out(
    steps: list[tuple[tuple[object, ...], float]], profile: str, seed: int, *, badly: bool
) -> None:
    async with sensor_bench(profile) as made:
        made.host_line, made.unit_line = _worn(seed, badly=badly), _worn(seed + 1, badly=badly)
        polling = asyncio.create_task(_polls(made))
        await asyncio.sleep(0.5)
        for step, pause_s in steps:
            await _do(made, step)
            await asyncio.sleep(pause_s)
        polling.cancel()
        assert await polling or badly


# ── whatever bytes come ──────────────────────────────────────────────────────────────────────────────────────────────

_words = st.one_of(st.integers(0, 3), st.integers(0, 0xFFFF))
_answer = st.lists(_words, min_size=5, max_size=6).map(lambda words: ("answer", tuple(words)))
_chunk = st.one_of(
    _answer,
    st.binary(max_size=20).map(lambda noise: ("noise", noise)),
    st.binary(min_size=2, max_size=20).map(lambda body: ("noise", framed(b"\x01" + body))),
    _answer.flatmap(lambda said: st.integers(0, 14).map(lambda cut: ("cut", said[1], cut))),
)


def _reply(words: tuple[int, ...]) -> bytes:
    return framed(bytes((1, 4, 2 * len(words))) + b"".join(word.to_bytes(2, "big") for word in words))


@given(turns=st.lists(st.lists(_chunk, max_size=3), min_size=1, max_size=8), pause_s=st.floats(0, 0.2))
@settings(deadline=None, max_examples=150)
@in_virtual_time
async def test_whatever_bytes_come_a_status_is_what_a_sound_answer_says(
    turns: list[list[tuple[object, ...]]], pause_s: float
) -> None:
    offered: list[tuple[int, ...]] = []

    async def answer(far: MemoryLink) -> None:
        await far.read(256)
        await far.write(_reply((0x5053, 1)))  # it is the unit that the profile means
        for turn in turns:
            await far.read(256)
            await asyncio.sleep(pause_s)
            for chunk in turn:
                match chunk:
                    case ("answer", tuple(words)):
                        offered.append(words)
                        await far.write(_reply(words))
                    case ("cut", tuple(words), int(cut)):
                        await far.write(_reply(words)[:cut])
                    case (_, bytes(noise)):
                        await far.write(noise)
                    case _:
                        raise AssertionError(chunk)

    near, far = memory_pair()

    async def opened() -> Link:
        return near

    sensors = ModbusSensors(open_link=opened, profile=load_profile("portcullis-sim"), baud=BAUD)
    answering = asyncio.create_task(answer(far))
    with contextlib.suppress(DriverError):
        await sensors.connect()
        for _ in turns:
            _borne_out(await sensors.status(), offered)
    answering.cancel()


def _borne_out(status: InsideStatus, offered: list[tuple[int, ...]]) -> None:
    """One of the answers says so: docs/protocols/sensors.md."""
    assert any(
        status.session == session
        and status.age_ms > age
        and status.people in {people, None}
        and status.object_left in {bool(left), None}
        and (status.people is None or (people <= 9 and status.age_ms <= 500))
        and (status.object_left is None or (left <= 1 and status.age_ms <= 500))
        and (status.call_pressed, status.cabinet_open, status.mains_present)
        == (bool(contacts & 1), bool(contacts & 2), bool(contacts & 4))
        for session, age, people, left, contacts, *_ in offered
    )
