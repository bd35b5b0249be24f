"""The virtual clock's promises: order, cancellation, failures, standstill."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable

import pytest

from gate.programs.shared.virtual_time import BEGINS_S, StandstillError, VirtualLoop, run_virtual

HOUR_S = 3_600.0


def running() -> VirtualLoop:
    """The loop that runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


def heard(story: Callable[[VirtualLoop, list[str]], Awaitable[object]]) -> list[str]:
    """What a story writes down."""
    said: list[str] = []

    async def main() -> None:
        await story(running(), said)

    run_virtual(main())
    return said


def test_hours_pass_at_once_and_the_answer_comes_back() -> None:
    async def main() -> float:
        await asyncio.sleep(HOUR_S)
        return running().time()

    assert run_virtual(main()) == BEGINS_S + HOUR_S


def test_timers_fire_in_the_order_of_their_times_and_equal_ones_in_the_order_in_which_they_were_set() -> None:
    async def story(loop: VirtualLoop, said: list[str]) -> None:
        for name, at_s in (("late", 3.0), ("first", 1.0), ("second", 1.0), ("middle", 2.0), ("third", 1.0)):
            loop.call_at(BEGINS_S + at_s, said.append, name)
        for at in range(40):
            loop.call_later(2.5, said.append, str(at))
        await asyncio.sleep(4.0)

    assert heard(story) == ["first", "second", "third", "middle", *map(str, range(40)), "late"]


def test_what_is_ready_runs_before_time_passes_and_before_a_timer_that_is_due() -> None:
    async def story(loop: VirtualLoop, said: list[str]) -> None:
        def again(left: int) -> None:
            said.append(f"{left} at {loop.time() - BEGINS_S}")
            if left:
                loop.call_soon(again, left - 1)

        loop.call_later(0.0, said.append, "due")
        loop.call_at(BEGINS_S - 5.0, said.append, "overdue")
        loop.call_soon(again, 2)
        await asyncio.sleep(1.0)

    assert heard(story) == ["2 at 0.0", "1 at 0.0", "0 at 0.0", "overdue", "due"]


def test_the_clock_never_goes_back() -> None:
    async def story(loop: VirtualLoop, said: list[str]) -> None:
        await asyncio.sleep(10.0)
        loop.call_at(BEGINS_S + 1.0, lambda: said.append(f"{loop.time() - BEGINS_S}"))
        await asyncio.sleep(0.5)

    assert heard(story) == ["10.0"]


def test_a_cancelled_timer_neither_fires_nor_moves_the_clock() -> None:
    async def story(loop: VirtualLoop, said: list[str]) -> None:
        gone = loop.call_later(1.0, said.append, "gone")
        soon = loop.call_soon(said.append, "gone, too")
        gone.cancel()
        soon.cancel()
        assert gone.cancelled()
        assert soon.cancelled()
        loop.call_later(2.0, lambda: said.append(f"{loop.time() - BEGINS_S}"))
        await asyncio.sleep(3.0)

    assert heard(story) == ["2.0"]


def test_one_of_two_that_are_due_at_once_may_cancel_the_other() -> None:
    async def story(loop: VirtualLoop, said: list[str]) -> None:
        others: list[asyncio.TimerHandle] = []
        loop.call_later(1.0, lambda: others.pop().cancel())
        others.append(loop.call_later(1.0, said.append, "other"))
        await asyncio.sleep(2.0)

    assert heard(story) == []


def test_cancelled_timers_are_not_kept_until_their_time() -> None:
    async def main() -> int:
        loop, most = running(), 0
        for _ in range(20_000):
            loop.call_later(HOUR_S, print).cancel()
            await asyncio.sleep(0.001)
            most = max(most, len(loop._timers))
        return most

    assert run_virtual(main()) < 1_000


def test_timers_that_are_not_cancelled_survive_the_clearing() -> None:
    async def main() -> int:
        loop = running()
        fired: list[int] = []
        for at in range(2_000):
            timer = loop.call_later(1.0 + at % 7, fired.append, at)
            if at % 2:
                timer.cancel()
            await asyncio.sleep(0)
        await asyncio.sleep(10.0)
        return len(set(fired))

    assert run_virtual(main()) == 1_000


def test_a_timer_sees_the_context_in_which_it_was_set() -> None:
    colour = contextvars.ContextVar("colour", default="none")

    async def story(loop: VirtualLoop, said: list[str]) -> None:
        async def paint(name: str) -> None:
            colour.set(name)
            loop.call_later(1.0, lambda: said.append(colour.get()))

        await asyncio.gather(paint("red"), paint("green"))
        await asyncio.sleep(2.0)
        said.append(colour.get())

    assert heard(story) == ["red", "green", "none"]


def test_a_timeout_ends_what_waits_for_too_long_and_nothing_else() -> None:
    async def main() -> float:
        async with asyncio.timeout(5.0):
            await asyncio.sleep(4.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await asyncio.Event().wait()
        return running().time()

    assert run_virtual(main()) == BEGINS_S + 5.5


def test_a_callback_that_fails_ends_the_run_with_its_error() -> None:
    async def main() -> None:
        running().call_later(1.0, {"something": 1}.pop, "nothing")
        await asyncio.sleep(HOUR_S)

    with pytest.raises(KeyError, match="nothing"):
        run_virtual(main())


def test_a_task_that_fails_is_its_owners_business() -> None:
    async def fail() -> None:
        raise ValueError("said no")

    async def main() -> str:
        task = asyncio.ensure_future(fail())
        await asyncio.sleep(1.0)
        return str(task.exception())

    assert run_virtual(main()) == "said no"


def test_when_everybody_waits_and_no_timer_is_set_the_run_ends_and_everybody_cleans_up() -> None:
    cleaned: list[float] = []

    async def main() -> None:
        running().call_later(1.0, print).cancel()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(running().time())

    with pytest.raises(StandstillError):
        run_virtual(main())
    assert cleaned == [BEGINS_S]  # the cancelled timer did not move the clock


def test_who_still_waits_when_the_answer_is_there_is_cancelled() -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.sleep(HOUR_S)
        finally:
            ended.append("cancelled")

    async def main() -> None:
        tasks.append(asyncio.ensure_future(wait()))
        await asyncio.sleep(1.0)

    tasks: list[asyncio.Task[None]] = []
    run_virtual(main())
    assert ended == ["cancelled"]
