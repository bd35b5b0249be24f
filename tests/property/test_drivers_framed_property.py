"""What holds for every short frame, every noise round it, and the driver in every order of calls on a bad line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from fakes.framed_boards import KINDS, CountingBoard, FramedBench, Kind, framed_bench, profile
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.barrier.framed.frames import Hearing, find_reply
from drivers.barrier.framed.profile import Reading
from drivers.links import Link
from gate_contract.links import BitFlips, Delay, RandomLoss
from gate_contract.virtual_time import run_virtual
from gate_core.errors import DriverError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import Direction, LeafPosition

_kinds = st.sampled_from(KINDS)
_counts = st.integers(0, 0xFFFF)
_readings = st.builds(
    Reading,
    position=st.sampled_from(LeafPosition),
    bodies=st.integers(0, 3),
    counts=st.tuples(_counts, _counts),
    fire=st.booleans(),
    emergency=st.booleans(),
    alarms=st.frozensets(st.sampled_from(Alarm)),
    powered_up=st.booleans(),
)


@given(kind=_kinds, left=_counts, right=_counts, position=st.integers(0, 15), tail=st.binary(max_size=8))
def test_a_reply_decodes_to_what_was_sent_and_leaves_the_tail(
    kind: Kind, left: int, right: int, position: int, tail: bytes
) -> None:
    wire = CountingBoard(kind=kind, left=left, right=right, position=position).status()
    values, used = profile(kind).reply_layout().decode(wire + tail)
    assert values is not None
    assert (values["left"], values["right"], values["gate"], used) == (left, right, position, len(wire))


@given(kind=_kinds, data=st.data())
def test_what_a_layout_encodes_it_decodes(kind: Kind, data: st.DataObject) -> None:
    layout = profile(kind).reply_layout()
    values = {
        name: data.draw(st.integers(0, (1 << bits) - 1)) for name, bits in layout.widths.items() if name != "check"
    }
    decoded, _ = layout.decode(layout.encode(values))
    assert decoded is not None
    assert {name: decoded[name] for name in values} == values


@given(kind=_kinds, left=_counts, noise=st.binary(max_size=40))
def test_a_reply_behind_noise_is_found_however_it_is_cut(kind: Kind, left: int, noise: bytes) -> None:
    layout, wire = profile(kind).reply_layout(), CountingBoard(kind=kind, left=left).status()
    hearing = Hearing(layout, 1)
    hearing.begin(b"\xff" * 7)
    for byte in noise + wire:
        hearing.take(bytes((byte,)))
    assert hearing.reply is not None
    found, _ = layout.decode(wire)
    # Noise may hold a frame by itself; then there are two.
    assert hearing.reply == found or hearing.heard().unasked


@given(kind=_kinds, noise=st.binary(max_size=600))
def test_no_noise_raises_or_grows(kind: Kind, noise: bytes) -> None:
    layout, buffer = profile(kind).reply_layout(), bytearray(noise)
    while find_reply(buffer, layout, 1).reply is not None:
        pass
    assert len(buffer) < layout.length


@given(kind=_kinds, flipped=st.integers(0, 8 * 15 - 1))
def test_no_single_bit_error_passes(kind: Kind, flipped: int) -> None:
    wire = bytearray(CountingBoard(kind=kind, left=77).status())
    wire[flipped // 8] ^= 1 << flipped % 8
    assert (
        find_reply(wire, profile(kind).reply_layout(), 1).reply is None
    )  # an Italdis' last byte stands behind its check


@given(believed=_readings, first=_readings, second=_readings)
def test_nothing_is_relaxed_that_two_replies_do_not_both_say(
    believed: Reading, first: Reading, second: Reading
) -> None:
    if not first.relaxes(believed):
        assert not first.is_closed or believed.is_closed
        assert first.bodies >= believed.bodies
        assert first.counts == believed.counts
        assert first.alarms >= believed.alarms
        assert (first.fire, first.emergency) >= (believed.fire, False)
    taken = first.settled(second, believed=believed)
    assert taken.is_closed == (first.is_closed and second.is_closed)
    assert taken.bodies >= max(first.bodies, second.bodies)
    assert taken.alarms >= first.alarms | second.alarms
    assert (taken.fire, taken.emergency) == (first.fire or second.fire, first.emergency or second.emergency)
    assert taken.counts in {second.counts, believed.counts}
    assert taken.counts == believed.counts or first.counts == second.counts


_CALLS: dict[str, Callable[[FramedBench], Awaitable[object]]] = {
    "grant": lambda made: made.barrier.grant(Direction.ENTRY, 30_000),
    "revoke": lambda made: made.barrier.revoke(),
    "status": lambda made: made.barrier.status(),
    "connect": lambda made: made.barrier.connect(),
}
_steps = st.lists(st.tuples(st.sampled_from(sorted(_CALLS)), st.floats(0, 0.3)), min_size=1, max_size=10)


def _worn(made: FramedBench, seed: int) -> Callable[[Link], Link]:
    def wrap(link: Link) -> Link:
        ours = (
            seed + 10 * made.barrier.health.connects
        )  # another seed at each connect: else the same frames are lost again
        delayed = Delay(link, seed=ours, delay_s_max=0.04)
        return RandomLoss(BitFlips(delayed, seed=ours, share=1e-3), seed=ours, share=0.1)

    return wrap


@given(steps=_steps, seed=st.integers(0, 2**32), kind=_kinds)
@settings(deadline=None, max_examples=20)
def test_grants_never_exceed_the_calls_and_a_revoke_has_the_last_word(
    steps: list[tuple[str, float]], seed: int, kind: Kind
) -> None:
    async def run() -> None:
        async with framed_bench(CountingBoard(kind=kind)) as made:
            await made.barrier.connect()
            made.host_line, made.board_line = _worn(made, seed), _worn(made, seed + 1)
            await _insist(made, made.barrier.connect)
            async with asyncio.TaskGroup() as tasks:
                for name, pause_s in steps:
                    tasks.create_task(_quietly(_CALLS[name](made)))
                    await asyncio.sleep(pause_s)
                # While grants may still be under way: none of them may be sent behind this.
                await _insist(made, made.barrier.revoke)
                assert made.board.granted_left == 0
            assert made.board.granted_left == 0
            assert made.board.grants_made <= sum(name == "grant" for name, _ in steps)

    run_virtual(run())


async def _insist(made: FramedBench, call: Callable[[], Awaitable[None]]) -> None:
    """What the lane's keeper does: whatever is lost is connected anew, and that revokes, too."""
    for _ in range(50):
        with contextlib.suppress(DriverError):
            return await call()
        with contextlib.suppress(DriverError):
            await made.barrier.connect()
    raise AssertionError("50 attempts were not enough")


async def _quietly(call: Awaitable[object]) -> None:
    with contextlib.suppress(DriverError):
        await call
