"""The console's client before gates that lie, stall, flood or break off: it says what is wrong, and takes nothing for well."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fakes.console_gates import Console, until
from fakes.ports import free_port

from gate_core import pinned_certificates
from gate_core.console_link import (
    ANSWER_BYTES_MAX,
    EVENT_BYTES_MAX,
    Answer,
    BadLinkMessageError,
    LaneEvent,
    decode,
    encode,
)
from gate_officers.console.config import GateEntry
from gate_officers.console.gates import HEAR_EVERY_S, Gate
from gate_officers.console.lanes import Unanswered

Talk = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


def lane(**more: Any) -> LaneEvent:
    said: dict[str, Any] = {
        "boot": "b1",
        "gate": "north-7",
        "purpose": "demo",
        "mode": "gate",
        "state": "idle",
        "in_service": True,
        "direction": "entry",
        "travellers": "all",
        "version": 3,
        "running": None,
        "waiting": [],
        "alarms": [],
        "notices": [],
        "closed_by": None,
        "officers": [],
        "lost": [],
        "degraded": [],
        "last": {},
    }
    return LaneEvent(**{**said, **more})


def told(data: bytes) -> bytes:
    return b"event: lane\ndata: " + data + b"\n\n"


WELL = told(encode(lane()))
OTHER = told(encode(lane(gate="south-1")))
LESS = told(msgspec.json.encode({"gate": "north-7"}))
DEEP = told(encode(lane())[:-1] + b',"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}")


class Liar:
    """Whoever listens in a gate's place; `talk` is told the head of each request. `heard` is all that came."""

    def __init__(self, folder: Path, talk: Talk) -> None:
        self._talk = talk
        self.heard: list[bytes] = []
        identity = folder / "liar.pem"
        if not identity.exists():
            pinned_certificates.make(identity, "liar")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(identity)
        self.entry = GateEntry(address=f"127.0.0.1:{free_port()}", key=pinned_certificates.fingerprint_in(identity))

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Liar]:
        writers: list[asyncio.StreamWriter] = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    self.heard.append(head)
                    await self._talk(head, writer)
                    await writer.drain()

        port = int(self.entry.address.rpartition(":")[2])
        async with await asyncio.start_server(talk, "127.0.0.1", port, ssl=self.context):
            yield self
            for writer in writers:
                writer.transport.abort()


EVENTS_ENOUGH = 50  # that came, of a flood


def says(*texts: bytes, ends: bool = False) -> Talk:
    """Whatever is asked."""

    async def talk(_: bytes, writer: asyncio.StreamWriter) -> None:
        for text in texts:
            writer.write(text)
        if ends:
            await writer.drain()
            writer.close()

    return talk


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ((b"\x00\xff" * 40 + b"\r\n\r\n",), ""),
        ((b"HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n",), "status 500"),
        ((b"HTTP/1.1 302 no\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n",), "status 302"),
        ((STREAM.replace(b"event-stream", b"html"), WELL), "text/html"),
        ((STREAM.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n"), WELL), "speaks otherwise"),
        ((STREAM, told(b"no JSON")), "no LaneEvent"),
        ((STREAM, LESS), "no LaneEvent"),
        ((STREAM, told(encode(lane()).replace(b'"version":3', b'"version":-3'))), r"no LaneEvent `\$.version`"),
        ((STREAM, told(encode(lane()).replace(b'"version":3', b'"version":1e999'))), "no LaneEvent"),
        ((STREAM, told(encode(lane()).replace(b'"last":{}', b'"last":{"x":NaN}'))), "no LaneEvent"),
        ((STREAM, told(encode(lane()).replace(b'"b1"', b'"\\ud800"'))), "no LaneEvent"),
        ((STREAM, told(encode(lane(boot="x" * 1000)))), r"no LaneEvent `\$.boot`"),
        ((STREAM, DEEP), "no LaneEvent"),
        ((STREAM, b"event: lane\n\n"), "no LaneEvent"),
        ((STREAM, OTHER), "calls itself 'south-1'"),
        ((STREAM, b"event: lane\ndata: " + b"a" * EVENT_BYTES_MAX), "without end"),
    ],
)
async def test_a_gate_that_says_something_else_than_a_gate_is_in_trouble(
    tmp_path: Path, texts: tuple[bytes, ...], why: str
) -> None:
    console = Console(tmp_path)
    async with (
        Liar(tmp_path, says(*texts)).listening() as liar,
        console.watching("north-7", liar.entry) as gate,
    ):
        await until(lambda: gate.trouble not in {"", "is not reached yet"})
        assert (gate.up, gate.snapshot) == (False, None)
        assert why.replace("\\", "") in gate.trouble


async def test_a_gate_that_sets_a_cookie_which_cannot_be_sent_is_asked_again_without(tmp_path: Path) -> None:
    console = Console(tmp_path)
    talk = says(STREAM.replace(b"\r\n\r\n", b"\r\nset-cookie: a=\xff\r\n\r\n"), WELL, ends=True)
    async with Liar(tmp_path, talk).listening() as liar, console.watching("north-7", liar.entry):
        await until(lambda: len(liar.heard) > 1)
        assert not [head for head in liar.heard if b"cookie" in head.lower()]


@pytest.mark.parametrize(
    ("after", "why"),
    [(OTHER, "calls itself"), (told(b"{}"), "no LaneEvent"), (b"", "ends its stream")],
    ids=["another name", "nonsense", "the end"],
)
async def test_what_was_well_is_well_no_more_at_the_first_lie(tmp_path: Path, after: bytes, why: str) -> None:
    console = Console(tmp_path)
    lie = asyncio.Event()

    async def talk(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM + WELL)
        await lie.wait()
        writer.write(after)
        await writer.drain()
        writer.close()

    async with Liar(tmp_path, talk).listening() as liar, console.watching("north-7", liar.entry) as gate:
        await until(lambda: gate.up)
        assert gate.snapshot == lane()
        lie.set()
        await until(lambda: not gate.up)
        assert gate.snapshot is None
        assert why in gate.trouble or "hangs up" in gate.trouble


@pytest.mark.long
@pytest.mark.parametrize("beats", [0, 3], ids=["silence", "bytes that never become an event"])
async def test_a_gate_that_stalls_is_missed_within_two_seconds(tmp_path: Path, beats: int) -> None:
    console = Console(tmp_path)
    well = asyncio.Event()

    async def talk(_: bytes, writer: asyncio.StreamWriter) -> None:
        if well.is_set():
            return
        writer.write(STREAM + WELL)
        well.set()
        while beats:
            await asyncio.sleep(0.1)
            writer.write(b":")
            await writer.drain()

    async with Liar(tmp_path, talk).listening() as liar, console.watching("north-7", liar.entry) as gate:
        await until(lambda: gate.up)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await until(lambda: not gate.up)
        assert gate.trouble == "says nothing"
        assert loop.time() - began_s >= 1.5, "it is not missed before"


async def test_a_gate_with_another_key_is_told_nothing_not_even_a_question(tmp_path: Path) -> None:
    """A man in the middle has a key of his own, and the pin is of the gate's."""
    console = Console(tmp_path)
    async with Liar(tmp_path, says(STREAM, WELL)).listening() as liar:
        entry = GateEntry(address=liar.entry.address, key="0" * 64)
        async with console.watching("north-7", entry) as gate:
            await until(lambda: "shows another key" in gate.trouble)
            answer = await gate.order(b"an order")
            assert isinstance(answer, Unanswered)
            assert ("another key" in answer.problem, answer.maybe_done) == (True, False)
            assert not gate.up
    assert liar.heard == []


async def test_nobody_there_is_trouble_and_no_order_was_done(tmp_path: Path) -> None:
    console = Console(tmp_path)
    entry = GateEntry(address=f"127.0.0.1:{free_port()}", key="0" * 64)
    async with console.watching("north-7", entry) as gate:
        answer = await gate.order(b"an order")
        assert isinstance(answer, Unanswered)
        assert not answer.maybe_done
        await until(lambda: gate.trouble not in {"", "is not reached yet"})
        assert gate.age_s is None


async def test_a_gate_comes_back_by_itself(tmp_path: Path) -> None:
    console = Console(tmp_path)
    liar = Liar(tmp_path, says(STREAM, WELL))
    async with console.watching("north-7", liar.entry) as gate:
        for _ in range(2):
            async with liar.listening():
                await until(lambda: gate.up)
            await until(lambda: not gate.up)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"no HTTP\r\n\r\n", ""),
        (JSON % 2 + b"{}", "no Answer"),
        (JSON.replace(b"json", b"html") % 2 + b"{}", "otherwise than a gate"),
        (b"HTTP/1.1 500 no\r\ncontent-length: 2\r\n\r\nno", "no Refusal"),
        (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + b"a" * (ANSWER_BYTES_MAX + 1), "without end"),
        (b"", ""),
    ],
    ids=["garbage", "nothing in it", "another kind", "an error in other words", "no end", "broken off"],
)
async def test_an_order_whose_answer_is_none_may_have_been_done(tmp_path: Path, answer: bytes, why: str) -> None:
    console = Console(tmp_path)
    async with (
        Liar(tmp_path, says(answer, ends=not answer)).listening() as liar,
        console.watching("north-7", liar.entry) as gate,
    ):
        found = await gate.order(b"an order")
        assert isinstance(found, Unanswered)
        assert found.problem
        assert why in found.problem
        assert found.maybe_done


async def test_what_a_gate_says_of_an_order_that_it_did_not_hand_on_is_told_as_it_is(tmp_path: Path) -> None:
    console = Console(tmp_path)
    refusal = b'{"problem":"the lane does not answer","maybe_done":false}'
    text = b"HTTP/1.1 503 no\r\ncontent-length: %d\r\n\r\n" % len(refusal) + refusal
    async with Liar(tmp_path, says(text)).listening() as liar, console.watching("north-7", liar.entry) as gate:
        assert await gate.order(b"an order") == Unanswered("the lane does not answer", maybe_done=False)


async def test_a_challenge_of_another_gate_is_none(tmp_path: Path) -> None:
    console = Console(tmp_path)
    challenge = b'{"gate":"south-1","issued_ms":1,"nonce":"ab","version":1}'
    async with (
        Liar(tmp_path, says(JSON % len(challenge) + challenge)).listening() as liar,
        console.watching("north-7", liar.entry) as gate,
    ):
        assert await gate.look() == Unanswered("calls itself 'south-1'")


async def test_of_a_gate_that_floods_the_newest_is_looked_at_now_and_then_and_another_costs_nothing_more(
    tmp_path: Path,
) -> None:
    console = Console(tmp_path)
    changes = 0

    def count() -> None:
        nonlocal changes
        changes += 1

    other = tmp_path / "other"
    other.mkdir()
    async with (
        Liar(tmp_path, says(STREAM, *(told(encode(lane(version=1 + n))) for n in range(2_000)))).listening() as liar,
        Liar(other, says(STREAM, WELL)).listening() as honest,
    ):
        gate = Gate("north-7", liar.entry, console.identity, on_change=count)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        running = asyncio.ensure_future(gate.run())
        async with console.watching("north-7", honest.entry) as well:
            await until(lambda: gate.up and well.up)
            await until(lambda: gate.snapshot is not None and (gate.snapshot.version or 0) > EVENTS_ENOUGH)
            assert well.up
        took_s = loop.time() - began_s
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert changes <= 2 + took_s / HEAR_EVERY_S


def test_what_a_newer_gate_says_more_is_passed_over() -> None:
    raw = encode(lane())[:-1] + b',"weather":"rain"}'
    assert decode(raw, LaneEvent) == lane()


def test_what_is_wrong_is_said_by_its_place_and_never_by_what_stood_there() -> None:
    with pytest.raises(BadLinkMessageError, match=r"^no Answer `\$\.detail`$"):
        decode(b'{"outcome":"done","detail":{"secret":1},"state":"idle"}', Answer)


def test_a_console_says_at_once_that_it_has_no_identity(tmp_path: Path) -> None:
    entry = GateEntry(address="127.0.0.1:9999", key="0" * 64)
    with pytest.raises(FileNotFoundError):
        Gate("north-7", entry, tmp_path / "none.pem", on_change=lambda: None)
