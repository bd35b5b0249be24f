"""The common beats of a program's loops."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from gate.programs.shared.aligned_timer import after_pause_s, beat, next_beat_s
from gate_contract.virtual_time import in_virtual_time

NOW_S = st.floats(0, 1e7)
EVERY_S = st.integers(20, 5_000).map(lambda ms: ms / 1000)
SLACK_S = 1e-6  # what floats lose over months of uptime


def is_beat(at_s: float, every_s: float) -> bool:
    beats = at_s / every_s
    return abs(beats - round(beats)) * every_s < SLACK_S


@given(now_s=NOW_S, every_s=EVERY_S)
def test_the_next_beat_is_no_further_than_a_period(now_s: float, every_s: float) -> None:
    due_s = next_beat_s(now_s, every_s)
    assert now_s < due_s <= now_s + every_s + SLACK_S * every_s * 2
    assert is_beat(due_s, every_s)


@given(now_s=NOW_S, every_s=EVERY_S)
def test_a_pause_is_never_longer_than_what_was_asked_for_and_never_none(now_s: float, every_s: float) -> None:
    pause_s = after_pause_s(now_s, every_s) - now_s
    assert every_s / 4 - SLACK_S <= pause_s <= every_s + SLACK_S
    assert is_beat(now_s + pause_s, every_s / 2)


@given(start_s=NOW_S, answer_s=st.floats(0, 0.024))
def test_who_looks_ten_times_a_second_comes_on_the_beat_of_a_tenth(start_s: float, answer_s: float) -> None:
    """From whatever moment on, where answers are quick: slow ones fall on half beats, too."""
    at_s = start_s
    for _ in range(3):
        at_s = after_pause_s(at_s + answer_s, 0.1)
    assert is_beat(at_s, 0.1)


@in_virtual_time
async def test_loops_of_one_period_are_due_in_the_same_moment() -> None:
    loop = asyncio.get_running_loop()
    due: list[float] = []

    async def once(late_s: float) -> None:
        await asyncio.sleep(late_s)
        for _ in range(3):
            await beat(0.1)
            due.append(round(loop.time(), 6))

    await asyncio.gather(once(0.013), once(0.077))
    assert len(set(due)) == 3
