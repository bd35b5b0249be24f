"""A command's question to several programs: answered at once, and hostile listeners cost the others nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.hostile_bytes import framed, pack

from gate.channel import asking
from gate.channel.asking import ask
from gate.channel.errors import BadMessageError, ChannelClosedError, ChannelError, NotPermittedError, StrangerError
from gate.channel.message import Status, StatusRequest
from gate.channel.row import status_row
from gate.channel.sockets import Connection, serve
from gate.channel.users import Users

LANE = status_row("lane")
WELL = Status("lane", "idle", {"doors": 2})
WELL_FRAME = framed(pack({"type": "Status", "program": "lane", "state": "idle", "detail": {}}))


@contextlib.contextmanager
def saying(path: Path, *pieces: bytes, hang_up: bool = True) -> Iterator[None]:
    """A listener that says these bytes to whoever comes."""
    done = threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()

        def say() -> None:
            with contextlib.suppress(OSError), listener.accept()[0] as end:
                end.recv(1024)
                for piece in pieces:
                    end.sendall(piece)
                if not hang_up:
                    done.wait()

        speaker = threading.Thread(target=say)
        speaker.start()
        try:
            yield
        finally:
            done.set()
            listener.shutdown(socket.SHUT_RDWR)
            speaker.join()


def asked(*paths: Path, within_s: float = 5.0) -> list[Status | ChannelError]:
    return list(ask({path.name: (LANE, path) for path in paths}, StatusRequest(), within_s=within_s).values())


def test_a_program_answers_whoever_asks_without_an_event_loop(tmp_path: Path) -> None:
    async def answer(connection: Connection[StatusRequest]) -> None:
        async for _ in connection:
            await connection.send(WELL)

    async def both() -> list[Status | ChannelError]:
        path = tmp_path / "lane.sock"
        async with serve(LANE, path, answer):
            return await asyncio.to_thread(asked, path, path)

    assert asyncio.run(both()) == [WELL]


@pytest.mark.parametrize(
    ("pieces", "error", "words"),
    [
        ((b"",), ChannelClosedError, "gone"),
        ((WELL_FRAME[:-1],), ChannelClosedError, "gone"),
        ((b"\xff\xff\xff\xff",), BadMessageError, "exceeds"),
        ((framed(b"\xc1"),), BadMessageError, "not a message"),
        ((framed(pack({"type": "StatusRequest"})),), BadMessageError, "not a message"),
    ],
)
def test_what_is_no_answer_is_an_error_and_another_listener_is_heard(
    tmp_path: Path, pieces: tuple[bytes, ...], error: type[ChannelError], words: str
) -> None:
    bad, good = tmp_path / "bad", tmp_path / "good"
    with saying(bad, *pieces), saying(good, WELL_FRAME[:3], WELL_FRAME[3:]):
        found, other = asked(bad, good)
    assert isinstance(found, error)
    assert words in str(found)
    assert isinstance(other, Status)


def test_listeners_that_say_nothing_have_one_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    untils_s = []
    wait = asking._wait_at_most

    def told(end: socket.socket, until_s: float) -> None:
        untils_s.append(until_s)
        wait(end, until_s)

    monkeypatch.setattr(asking, "_wait_at_most", told)
    with saying(tmp_path / "a", hang_up=False), saying(tmp_path / "b", hang_up=False):
        found = asked(tmp_path / "a", tmp_path / "b", within_s=0.05)
    assert [type(one) for one in found] == [ChannelClosedError] * 2
    assert len(untils_s) == 4, "two questions, two waits"
    assert len(set(untils_s)) == 1


def test_a_deadline_that_is_over_is_no_wait(tmp_path: Path) -> None:
    with saying(tmp_path / "a", hang_up=False):
        (found,) = asked(tmp_path / "a", within_s=-1.0)
    assert isinstance(found, ChannelClosedError)


def test_a_silent_listener_is_given_up(tmp_path: Path) -> None:
    with saying(tmp_path / "a", WELL_FRAME[:5], hang_up=False):
        (found,) = asked(tmp_path / "a", within_s=0.05)
    assert isinstance(found, ChannelClosedError)
    assert "in time" in str(found)


def test_nobody_there_is_away(tmp_path: Path) -> None:
    (found,) = asked(tmp_path / "none")
    assert isinstance(found, ChannelClosedError)


def test_a_stranger_in_the_listeners_place_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = Users(own=os.geteuid(), in_service=True, programs={"lane": os.geteuid() + 1}, groups={})
    monkeypatch.setattr(Users, "here", lambda _: users)
    with saying(tmp_path / "a", WELL_FRAME):
        (found,) = asked(tmp_path / "a")
    assert isinstance(found, StrangerError)


def test_who_may_not_come_near_the_socket_is_told_who_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(asking, "_wait_at_most", refuse)
    (found,) = asked(tmp_path / "a")
    assert isinstance(found, NotPermittedError)
    assert "root" in str(found)
