"""One sender, a few clients, the newest value only."""

from __future__ import annotations

import asyncio

import pytest

from gate_core.web_pages.fanout import EndedError, Fanout, FullError


async def test_a_slow_client_sees_the_newest_value_only() -> None:
    fanout: Fanout[int] = Fanout(clients_max=1)
    with fanout.join() as mailbox:
        for value in range(5):
            fanout.send(value)
        assert await mailbox.take() == 4
        waiting = asyncio.ensure_future(mailbox.take())
        await asyncio.sleep(0)
        assert not waiting.done()
        fanout.send(5)
        assert await waiting == 5


async def test_every_client_gets_the_value() -> None:
    fanout: Fanout[str] = Fanout(clients_max=2)
    with fanout.join() as first, fanout.join() as second:
        fanout.send("go")
        assert [await first.take(), await second.take()] == ["go", "go"]


def test_one_client_too_many_is_refused_until_another_leaves() -> None:
    fanout: Fanout[int] = Fanout(clients_max=1)
    with fanout.join():
        assert fanout.is_full
        with pytest.raises(FullError), fanout.join():
            pytest.fail("joined")
    with fanout.join():
        assert fanout.clients == 1


def test_every_coming_and_going_is_told() -> None:
    seen: list[int] = []
    fanout: Fanout[int] = Fanout(clients_max=2, on_change=lambda: seen.append(fanout.clients))
    with fanout.join(), fanout.join():
        pass
    assert seen == [1, 2, 1, 0]


async def test_closing_ends_every_client_and_lets_none_join() -> None:
    fanout: Fanout[int] = Fanout(clients_max=2)
    with fanout.join() as mailbox:
        waiting = asyncio.ensure_future(mailbox.take())
        await asyncio.sleep(0)
        fanout.close()
        with pytest.raises(EndedError):
            await waiting
        with pytest.raises(EndedError):
            await mailbox.take()
    with pytest.raises(EndedError), fanout.join():
        pytest.fail("joined")


async def test_a_value_that_came_before_the_end_is_not_shown_after_it() -> None:
    fanout: Fanout[str] = Fanout(clients_max=1)
    with fanout.join() as mailbox:
        fanout.send("go")
        fanout.close()
        with pytest.raises(EndedError):
            await mailbox.take()
