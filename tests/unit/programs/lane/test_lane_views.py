"""The lane's socket: views for screens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from gate.channel import order_messages, screen_messages
from gate.channel.errors import ChannelClosedError
from gate.channel.message import Message, Status, StatusRequest
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.passage.names import Wish
from gate.programs.lane.views import Views
from gate_core.evidence.screen import Guidance, Purpose, Screen

STATUS = Status(program="lane", state="idle", detail={})
GO = screen_messages.View(Screen.GO, Guidance.NONE, "c1", None, Purpose.DEMO)
EMERGENCY = screen_messages.View(Screen.EMERGENCY, Guidance.NONE, None, None, Purpose.DEMO)


@dataclass
class Counter:
    """Views under test."""

    views: Views = field(init=False)
    notices: list[str] = field(default_factory=list)
    painted: list[bool | None] = field(default_factory=list)
    asked: list[Wish] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.views = Views(
            status=lambda: STATUS,
            purpose=Purpose.DEMO,
            asked=self.asked.append,
            on_notice=self.notices.append,
            painted=self.painted.append,
        )

    @contextlib.asynccontextmanager
    async def client(self, folder: Path) -> AsyncIterator[Connection[Any]]:
        async with self.views.serve(folder / "lane.sock"):
            connection = await connect(CHANNELS.lane, folder / "lane.sock")
            try:
                yield connection
            finally:
                connection.close()


async def ask(connection: Connection[Any], order: Message) -> Any:
    await connection.send(order)
    return await connection.receive()


async def test_a_watcher_gets_the_view_now_and_at_every_change(tmp_path: Path) -> None:
    counter = Counter()
    async with counter.client(tmp_path) as screens:
        assert (await ask(screens, screen_messages.WatchView())).screen is Screen.CLOSED
        counter.views.show(GO)
        assert await screens.receive() == GO


async def test_each_notice_that_pages_show_is_heard_of_once_until_it_is_another_one(tmp_path: Path) -> None:
    counter = Counter()
    first, second = "a" * 64, "b" * 64
    for notice in (first, "", first, second, second, first):
        async with counter.client(tmp_path) as screens:
            await ask(screens, screen_messages.WatchView(notice))
    assert counter.notices == [first, second, first]


@pytest.mark.parametrize("notice", ["A" * 64, "a" * 63, "notice"])
async def test_what_is_no_digest_is_no_notice(tmp_path: Path, notice: str) -> None:
    counter = Counter()
    async with counter.client(tmp_path) as screens:
        await screens.send(screen_messages.WatchView(notice))
        with pytest.raises(ChannelClosedError):
            await screens.receive()
    assert counter.notices == []


async def test_the_look_of_this_crossing_fills_and_no_other_screen_tells_of_it(tmp_path: Path) -> None:
    look = screen_messages.View(Screen.LOOK, Guidance.NONE, "c1", None, Purpose.DEMO)
    counter = Counter()
    async with counter.client(tmp_path) as screens:
        await ask(screens, screen_messages.WatchView())
        shown = []
        for view in (look, GO, structs.replace(look, screen=Screen.OFFICER), structs.replace(look, crossing="c2")):
            counter.views.show(view)
            await screens.receive()
            counter.views.fill("c1", 7)
            shown.append(await screens.receive())
    assert [view.progress for view in shown] == [7, 0, 0, 0]


async def test_whether_a_page_is_painted_is_passed_on(tmp_path: Path) -> None:
    counter = Counter()
    async with counter.client(tmp_path) as screens:
        for ok in (None, True, False):
            await screens.send(screen_messages.PagePainted(ok))
        await ask(screens, StatusRequest())
        assert counter.painted == [None, True, False]


async def test_a_flood_of_views_keeps_the_newest_from_nobody(tmp_path: Path) -> None:
    counter, shown = Counter(), 300
    async with counter.client(tmp_path) as screens:
        await ask(screens, screen_messages.WatchView())
        for number in range(shown):
            counter.views.show(structs.replace(GO, crossing=f"c{number}"))
            for _ in range(5):
                await asyncio.sleep(0)
        counter.views.show(EMERGENCY)
        before = 0
        while await screens.receive() != EMERGENCY:
            before += 1
    assert before < shown / 2


async def test_nobody_gives_orders_on_the_channel_of_views(tmp_path: Path) -> None:
    counter = Counter()
    async with counter.client(tmp_path) as screens:
        await screens.send(order_messages.SubmitOrder(order=b"anything"))
        with pytest.raises(ChannelClosedError):
            await screens.receive()


async def test_status_is_answered_beside_a_watch(tmp_path: Path) -> None:
    counter = Counter()
    async with counter.client(tmp_path) as client:
        await ask(client, screen_messages.WatchView())
        assert await ask(client, StatusRequest()) == STATUS


async def test_what_is_asked_for_on_the_page_is_heard_and_answered_by_nothing(tmp_path: Path) -> None:
    counter = Counter()
    async with counter.client(tmp_path) as client:
        for wish in Wish:
            await client.send(screen_messages.TravellerAsks(wish))
        assert await ask(client, StatusRequest()) == STATUS
    assert counter.asked == list(Wish)
