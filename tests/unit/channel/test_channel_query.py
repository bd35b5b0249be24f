"""A command's question to several programs: answered at once, and hostile listeners cost the others nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.hostile_bytes import framed, pack

from gate.channel import query
from gate.channel.errors import BadMessageError, ChannelClosedError, ChannelError, NotPermittedError, StrangerError
from gate.channel.message import Status, StatusRequest
from gate.channel.query import ask
from gate.channel.row import Users, status_row
from gate.channel.sockets import Connection, serve

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


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("said", [b"", WELL_FRAME[:5]])
def test_whoever_answers_is_heard_beside_one_who_says_nothing(tmp_path: Path, said: bytes, first: int) -> None:
    """A program that hangs made all of them seem away."""
    silent, good = tmp_path / "silent", tmp_path / "good"
    paths = (silent, good) if first == 0 else (good, silent)
    with saying(silent, said, hang_up=False), saying(good, WELL_FRAME[:3], WELL_FRAME[3:], hang_up=False):
        answers = dict(zip(paths, asked(*paths, within_s=0.3), strict=True))
    assert isinstance(answers[good], Status)
    assert isinstance(answers[silent], ChannelClosedError)
    assert "in time" in str(answers[silent])


def test_one_whose_queue_is_full_keeps_nobody_from_being_asked_and_is_called_again(tmp_path: Path) -> None:
    full, good = tmp_path / "full", tmp_path / "good"
    with contextlib.ExitStack() as ends:
        listener, before = (ends.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) for _ in range(2))
        listener.bind(str(full))
        listener.listen(0)
        before.connect(str(full))
        before.sendall(b"asked")
        with saying(good, WELL_FRAME):
            crowded, heard = asked(full, good, within_s=1.0)
        assert isinstance(crowded, ChannelClosedError)
        assert isinstance(heard, Status)

        def serve_next() -> None:
            for _ in range(2):
                with contextlib.suppress(OSError), listener.accept()[0] as end:
                    end.recv(4096)  # or whoever is slow to ask meets an end that is closed
                    end.sendall(WELL_FRAME)

        later = threading.Timer(0.1, serve_next)
        later.start()
        (answered,) = asked(full)
        later.join()
        assert isinstance(answered, Status)


def test_an_answer_larger_than_what_a_socket_holds_is_heard_whole(tmp_path: Path) -> None:
    large = framed(pack({"type": "Status", "program": "lane", "state": "idle", "detail": {"x": "y" * 60_000}}))
    with saying(tmp_path / "a", *(large[at : at + 7_000] for at in range(0, len(large), 7_000))):
        (found,) = asked(tmp_path / "a")
    assert isinstance(found, Status)
    assert len(str(found.detail["x"])) == 60_000


def test_together_they_take_no_longer_than_the_deadline(tmp_path: Path) -> None:
    with contextlib.ExitStack() as listeners:
        paths = [tmp_path / str(number) for number in range(8)]
        for path in paths:
            listeners.enter_context(saying(path, hang_up=False))
        began_s = time.monotonic()
        assert {type(one) for one in asked(*paths, within_s=0.5)} == {ChannelClosedError}
        assert time.monotonic() - began_s < 8 * 0.5


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
    def refuse(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(query, "str", refuse, raising=False)
    (found,) = asked(tmp_path / "a")
    assert isinstance(found, NotPermittedError)
    assert "root" in str(found)
