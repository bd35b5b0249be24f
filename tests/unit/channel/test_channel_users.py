"""Who may be at either end of a channel. Each refusal is shown beside the same attack with its control switched off."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest
from fakes.appends import APPEND
from fakes.strangers import NOBODY, call, impostor, needs_root, open_folder

from gate.channel import log_messages
from gate.channel.errors import StrangerError
from gate.channel.message import Message, Status, StatusRequest
from gate.channel.row import OPERATORS, PROGRAMS, Channel, Peer, Users, status_row
from gate.channel.sockets import Connection, connect, serve
from gate.channel.table import CHANNELS

UIDS = {program: 3000 + number for number, program in enumerate((*PROGRAMS, "centre"))}
OPERATOR, OPERATORS_GID, CALLERS_GID = 4000, 4500, 4501
SERVICE = Users(own=UIDS["lane"], in_service=True, programs=UIDS, groups={OPERATORS: OPERATORS_GID})
DEMO = Users(own=1000, in_service=False, programs={}, groups={})
STATUS = Status("lane", "idle", {})


def wire(message: Message) -> bytes:
    body = msgspec.msgpack.encode(message)
    return struct.pack(">I", len(body)) + body


def of(uid: int, *groups: int) -> Peer:
    return Peer(pid=1, uid=uid, gid=uid, groups=frozenset(groups))


@dataclass(frozen=True, slots=True)
class Credulous(Users):
    """The control, switched off: everybody is whom they should be."""

    def may_call(self, channel: Channel[Any, Any], peer: Peer) -> bool:  # noqa: ARG002
        return True

    def is_listener(self, channel: Channel[Any, Any], peer: Peer) -> bool:  # noqa: ARG002
        return True


CREDULOUS = Credulous(SERVICE.own, SERVICE.in_service, SERVICE.programs, {OPERATORS: OPERATORS_GID})


@pytest.mark.parametrize("channel", CHANNELS.every(), ids=lambda channel: channel.name)
def test_in_service_a_program_calls_where_the_table_names_it_and_nowhere_else(channel: Channel[Any, Any]) -> None:
    let_in = {program for program in UIDS if SERVICE.may_call(channel, of(UIDS[program]))}
    assert let_in == set(channel.callers)
    assert not SERVICE.may_call(channel, of(NOBODY))
    assert SERVICE.may_call(channel, of(0)) == bool(channel.persons)


@pytest.mark.parametrize("channel", CHANNELS.every(), ids=lambda channel: channel.name)
def test_in_service_a_listener_is_believed_only_with_its_own_user(channel: Channel[Any, Any]) -> None:
    believed = {program for program in UIDS if SERVICE.is_listener(channel, of(UIDS[program]))}
    assert believed == {channel.listener}
    assert not SERVICE.is_listener(channel, of(0))
    without = replace(SERVICE, programs={"lane": UIDS["lane"]})
    if channel.listener != "lane":
        assert not any(without.is_listener(channel, of(uid)) for uid in (*UIDS.values(), 0, NOBODY))


def test_persons_ask_how_programs_are_by_their_group_and_programs_never_as_persons() -> None:
    status = status_row("lane")
    assert SERVICE.may_call(status, of(OPERATOR, OPERATORS_GID))
    assert SERVICE.may_call(status, Peer(pid=1, uid=OPERATOR, gid=OPERATORS_GID))
    assert not SERVICE.may_call(status, of(OPERATOR))
    assert SERVICE.may_call(status, of(UIDS["screens"], OPERATORS_GID))  # for the metrics: the table says so
    assert not SERVICE.may_call(status, of(UIDS["sync"], OPERATORS_GID))
    assert not SERVICE.may_call(CHANNELS.log, of(OPERATOR, OPERATORS_GID))
    nowhere = replace(SERVICE, groups={})
    assert not nowhere.may_call(status, of(OPERATOR, OPERATORS_GID))


def test_where_all_programs_are_one_user_that_user_and_root_are_all_of_them() -> None:
    for channel in CHANNELS.every():
        assert DEMO.may_call(channel, of(1000))
        assert DEMO.may_call(channel, of(0))
        assert not DEMO.may_call(channel, of(1001))
        assert DEMO.is_listener(channel, of(1000))
        assert not DEMO.is_listener(channel, of(1001))


def test_a_person_believes_the_program_in_service_and_one_of_their_own() -> None:
    person = replace(SERVICE, own=OPERATOR, in_service=False)
    assert person.is_listener(status_row("lane"), of(UIDS["lane"]))
    assert person.is_listener(status_row("lane"), of(OPERATOR))
    assert not person.is_listener(status_row("lane"), of(UIDS["screens"]))


def test_on_this_machine_we_are_somebody() -> None:
    here = Users.here(CHANNELS.log)
    assert not here.in_service
    assert here.is_listener(CHANNELS.log, of(here.own))


@needs_root
@pytest.mark.parametrize("users", [SERVICE, DEMO])
async def test_an_impostor_in_the_logs_place_is_not_believed(users: Users) -> None:
    with open_folder() as folder:
        async with impostor(folder / "log.sock"):
            with pytest.raises(StrangerError, match="user 65534 listens on the channel log in the place of log"):
                await connect(CHANNELS.log, folder / "log.sock", users=users)
            # Without the control it is: a record that nobody wrote counts as durable, and the gate would open.
            believed = await connect(CHANNELS.log, folder / "log.sock", users=CREDULOUS)
            await believed.send(APPEND)
            assert isinstance(await believed.receive(), log_messages.Appended)
            believed.close()


async def _tell_status(connection: Connection[StatusRequest]) -> None:
    async for _ in connection:
        await connection.send(STATUS)


@needs_root
async def test_a_caller_that_the_table_does_not_name_gets_nothing_although_the_sockets_group_lets_it_near() -> None:
    asks = wire(StatusRequest())
    channel = status_row("lane")
    calls = {"uid": UIDS["sync"], "groups": (OPERATORS_GID,)}
    with open_folder() as folder:
        async with serve(channel, folder / "s", _tell_status, users=SERVICE):
            assert await call(folder / "s", asks, **calls) == b""  # type: ignore[arg-type]
            assert await call(folder / "s", asks, uid=OPERATOR, groups=(OPERATORS_GID,)) == wire(STATUS)
            assert await call(folder / "s", asks, uid=OPERATOR, groups=(CALLERS_GID,)) == "not let near"
        async with serve(channel, folder / "s", _tell_status, users=CREDULOUS):
            assert await call(folder / "s", asks, **calls) == wire(STATUS)  # type: ignore[arg-type]


@needs_root
async def test_where_one_user_runs_everything_no_group_is_let_near_although_there_is_one() -> None:
    asks = wire(StatusRequest())
    here = replace(DEMO, groups={OPERATORS: OPERATORS_GID})
    with open_folder() as folder:
        async with serve(status_row("lane"), folder / "s", _tell_status, users=here):
            assert await call(folder / "s", asks, uid=OPERATOR, groups=(OPERATORS_GID,)) == "not let near"
