"""What is kept begins anew after each end, after pauses that grow to a bound and begin anew when it was well."""

from __future__ import annotations

import asyncio

import pytest

from gate_core.programs.reconnect import Backoff, keep


def test_pauses_double_up_to_a_bound_and_begin_anew_after_it_was_well() -> None:
    backoff = Backoff(0.5, 3.0)
    assert [backoff.next_s() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    backoff.reset()
    assert backoff.next_s() == 0.5


def test_without_a_bound_of_their_own_all_pauses_are_alike() -> None:
    backoff = Backoff(0.25)
    assert [backoff.next_s() for _ in range(3)] == [0.25] * 3


async def test_an_expected_end_is_told_before_the_pause_and_another_error_ends_all() -> None:
    told: list[str] = []
    ends = iter((OSError("first"), OSError("second"), KeyError("broken")))

    async def session() -> None:
        raise next(ends)

    async def lost(error: OSError) -> None:
        told.append(str(error))

    with pytest.raises(KeyError):
        await keep(session, ending=OSError, lost=lost, backoff=Backoff(0.0))
    assert told == ["first", "second"]


async def test_stopping_is_not_lost_when_a_session_ends_at_the_same_moment() -> None:
    started = asyncio.Event()

    async def session() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise OSError("gone just now") from None

    async def lost(_: OSError) -> None:
        """Nobody is told."""

    keeping = asyncio.ensure_future(keep(session, ending=OSError, lost=lost, backoff=Backoff(0.0)))
    await started.wait()
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(keeping, 5)
