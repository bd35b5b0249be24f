"""The lane's socket: views for screens, orders from officers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gate.channel import messages
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.passage import machine
from gate.passage.events import Disposition, EmergencyEnded, Event, OfficerSeen, ReleaseOrdered, Settled
from gate.passage.screen import Guidance, Screen
from gate.programs.lane.desk import Desk

STATUS = messages.Status(program="lane", state="idle", detail={})
GO = messages.View(Screen.GO, Guidance.NONE, "c1", None, [], "demo")


@dataclass
class Counter:
    """A desk under test, with the state it may look at."""

    state: machine.State = field(default_factory=lambda: machine.Idle(Screen.WELCOME))
    events: list[Event] = field(default_factory=list)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk(post=self.events.append, state=lambda: self.state, status=lambda: STATUS, purpose="demo")

    @contextlib.asynccontextmanager
    async def client(self, folder: Path) -> AsyncIterator[Connection[Any]]:
        async with self.desk.serve(folder / "lane.sock"):
            connection = await connect(CHANNELS.lane, folder / "lane.sock")
            try:
                yield connection
            finally:
                connection.close()


async def ask(connection: Connection[Any], order: messages.Message) -> Any:
    await connection.send(order)
    return await connection.receive()


async def test_a_watcher_gets_the_view_now_and_at_every_change(tmp_path: Path) -> None:
    counter = Counter()
    async with counter.client(tmp_path) as screens:
        assert (await ask(screens, messages.WatchView())).screen is Screen.CLOSED
        counter.desk.show(GO)
        assert await screens.receive() == GO


async def test_an_officers_orders_become_events(tmp_path: Path) -> None:
    counter = Counter(state=machine.Referred("c1", ()))
    async with counter.client(tmp_path) as officer:
        for order in (
            messages.OfficerPresent(officer="o"),
            messages.Settle(crossing="c1", officer="o", disposition="walked_back"),
            messages.ReleaseLane(officer="o"),
        ):
            assert (await ask(officer, order)).ok
        counter.state = machine.Emergency()
        assert (await ask(officer, messages.EndEmergency(officer="o"))).ok
    assert counter.events == [
        OfficerSeen("o"),
        Settled("c1", "o", Disposition.WALKED_BACK),
        ReleaseOrdered("o"),
        EmergencyEnded("o"),
    ]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (messages.Settle(crossing="c1", officer="o", disposition="walked_back"), "does not wait"),
        (messages.Settle(crossing="c1", officer="o", disposition="shrug"), "a disposition is one of"),
        (messages.EndEmergency(officer="o"), "no emergency"),
        (messages.OfficerPresent(officer=""), "name"),
        (messages.ReleaseLane(officer="x" * 65), "name"),
        (messages.OfficerPresent(officer="a\nb"), "name"),
    ],
)
async def test_an_order_that_does_not_fit_is_answered_with_why(
    tmp_path: Path, order: messages.Message, reason: str
) -> None:
    counter = Counter()
    async with counter.client(tmp_path) as officer:
        answer = await ask(officer, order)
    assert not answer.ok
    assert reason in answer.reason
    assert counter.events == []


async def test_status_is_answered_beside_a_watch(tmp_path: Path) -> None:
    counter = Counter()
    async with counter.client(tmp_path) as client:
        await ask(client, messages.WatchView())
        assert await ask(client, messages.StatusRequest()) == STATUS
