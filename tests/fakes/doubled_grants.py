"""How often somebody is granted twice on a line that flips bits: by each driver, and by a client that sends again when it hears no sound answer.

What counts is the board's own count of the grants that it heard. A GPIO chip's lines are no byte link: contacts are here as the relays
of a board on one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from fakes.barrier import Bench, bench
from fakes.framed_boards import KINDS, CountingBoard, FramedBench, framed_bench
from fakes.framed_boards import profile as framed_profile
from fakes.modbus_boards import PROFILES, BoardBench, board_bench

from drivers.links import Link
from drivers.modbus.frames import CoilsRequest, Request, WriteRequest, decode
from gate_contract.links import BitFlips
from gate_contract.virtual_time import run_virtual
from gate_core.errors import BadFrameError, DriverError, LinkLostError, NotWellError
from gate_core.ports.values import Direction

BOARDS = ("portcullis-sim", *PROFILES, *KINDS)
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


@dataclass(frozen=True, slots=True)
class Tried:
    """A driver before a board that counts, and a naive client's requests there, each with what tells a sound answer to it."""

    bench: Bench | BoardBench | FramedBench
    heard: Callable[[], int]
    passes: Callable[[], None]
    requests: tuple[tuple[bytes, Callable[[bytes], object]], ...]


def doubled(board: str, error_rate: float, *, count: int, seed: int = 2) -> Doubled:
    """So many grants of each on a line of this bit error rate, in virtual time."""

    def worn(link: Link, number: int) -> Link:
        return BitFlips(link, seed=1000 * seed + number, share=error_rate) if error_rate else link

    stood, twice = run_virtual(_ours(board, worn, count))
    return Doubled(stood, twice, run_virtual(_naively(board, worn, count)))


async def _ours(board: str, worn: Callable[[Link, int], Link], count: int) -> tuple[int, int]:
    stood = twice = 0
    async with tried_board(board) as tried:
        _wear(tried, worn)
        await _insisting(tried, tried.bench.barrier.connect)
        for _ in range(count):
            before = tried.heard()
            with contextlib.suppress(DriverError):
                await tried.bench.barrier.grant(Direction.ENTRY, TTL_MS)
                stood += 1
                tried.passes()
            twice += tried.heard() - before > 1
            await _insisting(tried, tried.bench.barrier.status)
            await _insisting(tried, tried.bench.barrier.revoke)
            await asyncio.sleep(1)
    return stood, twice


async def _naively(board: str, worn: Callable[[Link, int], Link], count: int) -> int:
    twice = 0
    async with tried_board(board) as tried:
        _wear(tried, worn)
        link = await tried.bench.open_link()
        for _ in range(count):
            before = tried.heard()
            for request, is_sound in tried.requests:
                await _until_answered(link, request, is_sound)
            twice += tried.heard() - before > 1
    return twice


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


def _wear(tried: Tried, worn: Callable[[Link, int], Link]) -> None:
    """Another seed at each connect: the same line would lose the same frame again."""
    health = tried.bench.barrier.health
    tried.bench.host_line = lambda link: worn(link, health.connects)
    tried.bench.board_line = lambda link: worn(link, _BOARD_SEED + health.connects)


async def _insisting(tried: Tried, call: Callable[[], Awaitable[object]]) -> None:
    """What the lane's keeper does: silence is answered by trying again, a lost line by connecting anew."""
    for _ in range(50):
        try:
            await call()
        except (LinkLostError, NotWellError):
            with contextlib.suppress(DriverError):
                await tried.bench.barrier.connect()
        except DriverError:
            continue
        else:
            return
    raise AssertionError("50 attempts were not enough")


@contextlib.asynccontextmanager
async def tried_board(board: str) -> AsyncIterator[Tried]:
    if board in REQUESTS:
        requests = tuple((request.wire, _answers(request)) for request in REQUESTS[board])
        if board == "portcullis-sim":
            async with bench() as own:
                yield Tried(own, lambda: own.controller.grants_made, own.controller.pass_through, requests)
        else:
            async with board_bench(board) as made:
                yield Tried(made, made.ordered, made.pass_through, requests)
        return
    (kind,) = (kind for kind in KINDS if kind == board)
    profile = framed_profile(kind)
    opening = profile.request_layout().encode({"address": 1, **profile.commands.open_left})
    layout = profile.reply_layout()
    async with framed_bench(CountingBoard(kind=kind)) as framed:
        answers: Callable[[bytes], object] = lambda heard: layout.decode(heard)[0]  # noqa: E731
        yield Tried(framed, lambda: framed.board.grants_made, framed.board.pass_through, ((opening, answers),))


def _answers(request: Request) -> Callable[[bytes], object]:
    return lambda heard: decode(heard, request)[0]
