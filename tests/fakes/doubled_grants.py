"""How often somebody is granted twice on a line that flips bits: by each driver, and by a client that sends again when it hears no sound answer.

What counts is the board's own count of the grants that it heard. A GPIO chip's lines are no byte link: contacts are here as the relays
of a board on one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fakes.line_bench import FRAMED, PROFILES, LineBench, line_bench, profile_of
from fakes.links import BitFlips
from fakes.virtual_time import run_virtual

from drivers.barrier.framed.profile import FramedProfile
from drivers.links import Link
from drivers.modbus.frames import CoilsRequest, Request, WriteRequest, decode
from gate_core.errors import BadFrameError, DriverError, LinkLostError, NotWellError
from gate_core.ports.values import Direction

BOARDS = PROFILES
ERROR_RATES = (0.0, 1e-4, 1e-3)
TTL_MS = 5000
NAIVE_TRIES_MAX = 5
NAIVE_DEADLINE_S = 0.1
_BOARD_SEED = 100_000
REQUESTS: dict[str, tuple[Request, ...]] = {
    "portcullis-sim": (WriteRequest(1, 0, (TTL_MS, 1, 0)),),
    "lot": (WriteRequest(1, 0x40, (1,)),),
    "relay-8": (CoilsRequest(1, 0, (1,)), CoilsRequest(1, 0, (0, 0, 0))),  # a pulse's beginning and end
}


@dataclass(frozen=True, slots=True)
class Doubled:
    """Of so many calls: those whose grant stood and was heard, those that granted twice, and a naive client's that did."""

    stood: int
    doubled: int
    naive: int


def doubled(board: str, error_rate: float, *, count: int, seed: int = 2) -> Doubled:
    """So many grants of each on a line of this bit error rate, in virtual time."""

    def worn(link: Link, number: int) -> Link:
        return BitFlips(link, seed=1000 * seed + number, share=error_rate) if error_rate else link

    stood, twice = run_virtual(_ours(board, worn, count))
    return Doubled(stood, twice, run_virtual(_naively(board, worn, count)))


async def _ours(board: str, worn: Callable[[Link, int], Link], count: int) -> tuple[int, int]:
    stood = twice = 0
    async with line_bench(board) as made:
        _wear(made, worn)
        await _insisting(made, made.barrier.connect)
        for _ in range(count):
            before = made.grants(Direction.ENTRY)
            with contextlib.suppress(DriverError):
                await made.barrier.grant(Direction.ENTRY, TTL_MS)
                stood += 1
                made.pass_through(Direction.ENTRY)
            twice += made.grants(Direction.ENTRY) - before > 1
            await _insisting(made, made.barrier.status)
            await _insisting(made, made.barrier.revoke)
            await asyncio.sleep(1)
    return stood, twice


async def _naively(board: str, worn: Callable[[Link, int], Link], count: int) -> int:
    twice = 0
    async with line_bench(board) as made:
        _wear(made, worn)
        link = await made.open_link()
        for _ in range(count):
            before = made.grants(Direction.ENTRY)
            for request, is_sound in _requests(board):
                await _until_answered(link, request, is_sound)
            twice += made.grants(Direction.ENTRY) - before > 1
    return twice


def _requests(board: str) -> list[tuple[bytes, Callable[[bytes], object]]]:
    """What grants, and what tells a sound answer to it."""
    if board not in FRAMED:
        return [(request.wire, _answers(request)) for request in REQUESTS[board]]
    profile = profile_of(board)
    assert isinstance(profile, FramedProfile)
    layout = profile.reply_layout()
    opening = profile.request_layout().encode({"address": 1, **profile.commands.open_left})
    return [(opening, lambda heard: layout.decode(heard)[0])]


def _answers(request: Request) -> Callable[[bytes], object]:
    return lambda heard: decode(heard, request)[0]


async def _until_answered(link: Link, request: bytes, is_sound: Callable[[bytes], object]) -> None:
    for _ in range(NAIVE_TRIES_MAX):
        link.discard()
        await link.write(request)
        heard = b""
        with contextlib.suppress(TimeoutError, BadFrameError):
            async with asyncio.timeout(NAIVE_DEADLINE_S):
                while not is_sound(heard):
                    heard += await link.read(64)
            return


def _wear(made: LineBench, worn: Callable[[Link, int], Link]) -> None:
    """Another seed at each connect: the same line would lose the same frame again."""
    health = made.barrier.health
    made.host_line = lambda link: worn(link, health.connects)
    made.board_line = lambda link: worn(link, _BOARD_SEED + health.connects)


async def _insisting(made: LineBench, call: Callable[[], Awaitable[object]]) -> None:
    """What the lane's keeper does: silence is answered by trying again, a lost line by connecting anew."""
    for _ in range(50):
        try:
            await call()
        except (LinkLostError, NotWellError):
            with contextlib.suppress(DriverError):
                await made.barrier.connect()
        except DriverError:
            continue
        else:
            return
    raise AssertionError("50 attempts were not enough")
