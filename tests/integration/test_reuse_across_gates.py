"""Two gates of a site and their exchange, over TLS: what is told, to whom, and that whatever fails is an officer's."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import msgspec
import pytest
import tomli_w
from cryptography.hazmat.primitives.serialization import Encoding
from fakes import remains
from fakes.exchange_site import HOST, NAME, Site, until
from fakes.no_http import SPEECHES, said_to
from fakes.online_registers import Fault
from fakes.online_registers import Registers as Simulated
from fakes.set_clock import LIBRARY, SetClock
from integration.test_console_attacked import made_certificate

from gate.channel import register_messages
from gate.programs.lane.document.inspection import mark_of
from gate.programs.shared.config import Suspended
from gate.programs.shared.supervisor import ERASING
from gate_central.exchange.config import ExchangeConfig
from gate_central.exchange.marks import OF_A_GATE_MAX
from gate_central.exchange.program import run as run_exchange
from gate_core.evidence.registers import RegisterAnswer, RegisterCause
from gate_core.programs import clock
from gate_core.settings.config_file import ConfigError

CHIP, OTHER = hashlib.sha256(b"a chip").digest(), hashlib.sha256(b"another").digest()
KEY = "9b" * 32


@pytest.fixture
def site(short_path: Path) -> Site:
    return Site(short_path)


def unknown(found: register_messages.RegisterFound) -> RegisterCause | None:
    assert found.answer is RegisterAnswer.UNKNOWN
    return found.cause


async def test_the_same_chip_at_another_gate_within_the_minutes_is_a_hit_with_gate_and_minute(site: Site) -> None:
    async with site.exchange(), site.gate("north-1") as one, site.gate("north-2") as two:
        assert await one.until_key() == await two.until_key()
        assert (await one.reads(CHIP)).answer is RegisterAnswer.NONE
        assert (await one.reads(CHIP)).answer is RegisterAnswer.NONE, "who failed may try again"
        assert (await two.reads(OTHER)).answer is RegisterAnswer.NONE
        hit = await two.reads(CHIP)
        assert (hit.answer, hit.cause) == (RegisterAnswer.HIT, RegisterCause.PRESENTED_ELSEWHERE)
        assert hit.about.startswith("gate north-1 at ")
        assert hit.handle == "", "nobody is told what became of it"
        site.ahead_s += 30 * 60
        assert (await two.reads(OTHER)).answer is RegisterAnswer.NONE
        assert (await one.reads(CHIP)).answer is RegisterAnswer.NONE, "its minutes are over"
        assert (await two.state())["registers"][NAME] == {"state": "ready", "edition": None}
        assert (await two.state())["outbox"] == 0
    assert not list(site.folder.glob("*/state/outbox/*/*"))


async def test_no_question_is_in_the_journal_not_even_when_it_was_asked(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    for name in (None, "httpx2", "registers", "gate.exchange"):
        caplog.set_level(logging.INFO, logger=name)
    async with site.exchange(), site.gate("north-1") as one, site.gate("north-2") as two:
        assert (await one.reads(CHIP)).answer is RegisterAnswer.NONE
        assert (await two.reads(CHIP)).answer is RegisterAnswer.HIT
    assert [record.name for record in caplog.records if "/reuse/" in record.getMessage()] == []


async def test_a_mark_says_nothing_of_a_document_without_the_key_and_is_another_one_every_day(site: Site) -> None:
    async with site.exchange(), site.gate("north-1") as one:
        key = await one.until_key()
    mark = bytes.fromhex(mark_of(key, CHIP))
    assert mark[:8] == hashlib.sha256(key).digest()[:8]
    assert mark[8:] == hmac.new(key, CHIP, "sha256").digest()
    assert mark_of(b"k" * 32, CHIP)[16:] != mark.hex()[16:]


async def test_an_exchange_that_has_just_started_does_not_know_the_minutes_before(site: Site) -> None:
    async with site.exchange(aged=False), site.gate("north-1") as one, site.gate("north-2") as two:
        assert unknown(await one.reads(CHIP)) is RegisterCause.NO_ANSWER
        assert (await one.state())["registers"][NAME]["state"] == "silent"
        assert (await two.reads(CHIP)).answer is RegisterAnswer.HIT, "what it was told since it knows"
        site.ahead_s += 30 * 60
        assert (await one.reads(OTHER)).answer is RegisterAnswer.NONE


async def test_a_start_makes_another_key_and_marks_of_the_one_before_are_not_known(site: Site) -> None:
    async with site.gate("north-1") as one:
        async with site.exchange():
            key = await one.until_key()
            assert (await one.reads(CHIP)).answer is RegisterAnswer.NONE
        assert unknown(await one.asks(mark_of(key, CHIP))) is RegisterCause.NO_ANSWER
        assert (await one.state())["registers"][NAME]["state"] == "silent"
        async with site.exchange():
            assert unknown(await one.asks(mark_of(key, CHIP))) is RegisterCause.NO_ANSWER
            newer = await one.until_key(other_than=key)
            assert (await one.asks(mark_of(newer, CHIP))).answer is RegisterAnswer.NONE


async def test_after_midnight_the_gate_forgets_the_key_and_an_exchange_of_another_day_has_none_for_it(
    site: Site,
) -> None:
    site.off = -timedelta(days=1)
    async with site.exchange(), site.gate("north-1") as one:
        await until(lambda: _is(one, "silent"))
        assert await one.key() == b"", "yesterday's key is none"
        site.off = timedelta(0)
        assert unknown(await one.reads(CHIP)) is RegisterCause.NO_ANSWER, "a clock that was set is no midnight"
        site.ahead_s += 30 * 60
        assert (await one.reads(CHIP)).answer is RegisterAnswer.NONE


async def test_a_gate_s_day_is_that_of_its_zone(site: Site) -> None:
    site.zone = "Etc/GMT+12" if clock.now().hour < 12 else "Etc/GMT-14"  # where it is yesterday, or tomorrow
    async with site.exchange(), site.gate("north-1") as one:
        assert (await one.reads(CHIP)).answer is RegisterAnswer.NONE


async def _is(gate: Any, state: str) -> bool:
    return bool((await gate.state())["registers"][NAME]["state"] == state)


async def test_a_suspended_exchange_is_asked_nothing_not_even_for_its_key(site: Site) -> None:
    day = site.local().date()
    days = Suspended(title="Suspended here", basis="Order 3", first=day, last=day + timedelta(days=1))
    async with site.exchange(), site.gate("north-1", suspended=(days,)) as one:
        await until(lambda: _is(one, "suspended"))
        for _ in range(3):
            assert await one.key() == b""
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("shown", ["stranger", "exchange"])
async def test_whoever_shows_no_gate_s_certificate_hears_nothing(shown: str, site: Site) -> None:
    context = ssl.create_default_context(cafile=str(site.folder / "exchange" / "exchange.crt"))
    context.load_cert_chain(site.folder / shown / f"{shown}.pem")
    async with site.exchange(), httpx2.AsyncClient(verify=context, trust_env=False) as client:
        with pytest.raises(httpx2.HTTPError):
            await client.post(f"https://{HOST}:{site.port}/reuse/key", content=b"{}")


async def test_whom_a_gate_s_certificate_vouches_for_is_no_gate(site: Site) -> None:
    """An operator may take any certificate for a gate's, an authority's among them."""
    of_gate = made_certificate(site.folder / "north-2" / "north-2.pem", name="north-2", authority=True)
    (site.folder / "north-2" / "north-2.crt").write_bytes(of_gate[0].public_bytes(Encoding.PEM))
    made_certificate(site.folder / "stranger" / "stranger.pem", name="stranger", by=of_gate)
    async with site.exchange():
        async with client_of(site, "north-2") as client:
            assert (await client.post("/reuse/key", content=b"{}")).status_code == 200
        async with client_of(site, "stranger") as client:
            with pytest.raises(httpx2.HTTPError):
                await client.post("/reuse/key", content=b"{}")


async def test_an_impostor_in_the_exchange_s_place_hears_no_mark(site: Site) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site.folder / "stranger" / "stranger.pem")
    impostor = Simulated(port=site.port, day_key=(site.local().date().isoformat(), KEY))
    async with impostor.serving(context), site.gate("north-1") as one:
        await until(lambda: _is(one, "silent"))
        assert await one.key() == b""
        assert unknown(await one.asks("5d" * 40)) is RegisterCause.NO_ANSWER
    assert impostor.asked == []


# ── a gate that lies, and whoever holds its certificate ──────────────────────────────────────────────────────────────


@contextlib.asynccontextmanager
async def client_of(site: Site, gate: str) -> AsyncIterator[httpx2.AsyncClient]:
    context = ssl.create_default_context(cafile=str(site.folder / "exchange" / "exchange.crt"))
    context.load_cert_chain(site.folder / gate / f"{gate}.pem")
    async with httpx2.AsyncClient(verify=context, base_url=f"https://{HOST}:{site.port}", trust_env=False) as client:
        yield client


@pytest.mark.long  # a thousand questions; the quick tier asks the same of the marks themselves
async def test_a_gate_that_tells_marks_in_bulk_fills_its_own_share_and_blocks_no_other(site: Site) -> None:
    async with site.exchange(), client_of(site, "north-2") as hostile, site.gate("north-1") as one:
        key = bytes.fromhex((await hostile.post("/reuse/key", content=b"{}")).json()["key"])
        statuses = set[int]()
        for number in range(OF_A_GATE_MAX + 200):
            if number % 10 == 0:
                site.ahead_s += 2  # it is patient, and asks no faster than it may
            body = {"mark": mark_of(key, hashlib.sha256(b"%d" % number).digest()), "minutes": 60}
            statuses.add(answer := (await hostile.post("/reuse/mark", json=body)).status_code)
            if answer != 200:
                break
        assert (statuses, number) == ({200, 429}, OF_A_GATE_MAX)
        assert (await one.reads(CHIP)).answer is RegisterAnswer.NONE


async def test_a_gate_that_asks_without_a_pause_is_sent_away_and_no_other_is(site: Site) -> None:
    async with site.exchange(), client_of(site, "north-2") as hostile, site.gate("north-1") as one:
        await one.until_key()
        answers = [(await hostile.post("/reuse/key", content=b"{}")).status_code for _ in range(60)]
        assert 429 in answers
        assert (await one.reads(CHIP)).answer is RegisterAnswer.NONE


@pytest.mark.parametrize(("pieces", "heard"), SPEECHES)
async def test_what_is_no_http_is_hung_up_on_and_fills_no_journal(
    pieces: tuple[bytes, ...], heard: bytes, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    context = ssl.create_default_context(cafile=str(site.folder / "exchange" / "exchange.crt"))
    context.load_cert_chain(site.folder / "north-1" / "north-1.pem")
    async with site.exchange(), asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(HOST, site.port, ssl=context)
        said = await said_to(reader, writer, pieces)
    assert said[: len(heard)] == heard
    assert said.count(b"HTTP/1.1 ") == 1
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/reuse/mark", b"", 400),
        ("/reuse/mark", b"\xff", 400),
        ("/reuse/mark", b"[" * 900, 400),
        ("/reuse/mark", b'{"mark":"' + b"5d" * 40 + b'"}', 400),
        ("/reuse/mark", b'{"mark":"' + b"5d" * 40 + b'","minutes":61}', 400),
        ("/reuse/mark", b'{"mark":"' + b"5d" * 40 + b'","minutes":0}', 400),
        ("/reuse/mark", b'{"mark":"' + b"5d" * 40 + b'","minutes":30,"number":"L898902C3"}', 400),
        ("/reuse/mark", b'{"mark":"' + b"5d" * 39 + b'","minutes":30}', 400),
        ("/reuse/mark", b'{"mark":"' + b"5d" * 40 + b'\\n","minutes":30}', 400),
        ("/reuse/mark", b'{"mark":"' + b"5d" * 40 + b'","minutes":30}', 409),
        ("/reuse/mark", b" " * 2000, 413),
        ("/reuse/key", b" " * 2000, 413),
        ("/reuse/marks", b"{}", 404),
        ("/reuse/key/", b"{}", 404),
        ("/reuse/key", b'{"number":"L898902C3"}', 400),
        ("/reuse/key", b"", 400),
        ("/reuse/key", b"[]", 400),
    ],
    ids=range(17),
)
async def test_what_is_no_question_has_a_status_and_is_remembered_nowhere(
    path: str, body: bytes, status: int, site: Site
) -> None:
    async with site.exchange(), client_of(site, "north-1") as client:
        assert (await client.post(path, content=body)).status_code == status
        assert (await client.get("/reuse/key")).status_code == 405


# ── an exchange that is hostile, or dies ─────────────────────────────────────────────────────────────────────────────


class Hostile(Simulated):
    """An exchange that says of each mark what it likes."""

    says: dict[str, Any]

    def answer(self, path: str, question: dict[str, Any]) -> dict[str, Any]:
        """Its key is as it should be."""
        if path == "/reuse/key":
            return super().answer(path, question)
        return {key: value.replace("MARK", question["mark"]) for key, value in self.says.items()}


@pytest.mark.parametrize(
    ("says", "cause"),
    [
        ({"mark": "5e" * 40, "answer": "none"}, RegisterCause.WRONG_ANSWER),
        ({"mark": "MARK", "answer": "hit", "gate": "\x1b[2Jb", "at": "14:05"}, RegisterCause.WRONG_ANSWER),
        ({"mark": "MARK", "answer": "none", "more": "x" * 10_000_000}, RegisterCause.WRONG_ANSWER),
        ({"mark": "MARK", "answer": "unsure"}, RegisterCause.NO_ANSWER),
    ],
    ids=["another question", "control characters", "10 MB", "unsure"],
)
async def test_what_a_hostile_exchange_says_is_not_known(
    says: dict[str, Any], cause: RegisterCause, site: Site
) -> None:
    hostile = Hostile(port=site.port, day_key=(site.local().date().isoformat(), KEY))
    hostile.says = says
    async with hostile.serving(_tls(site)), site.gate("north-1") as one:
        assert unknown(await one.reads(CHIP)) is cause


@pytest.mark.parametrize("key", [KEY[:-2], "", f"{KEY}{KEY}"], ids=["short", "none", "long"])
async def test_a_key_of_another_length_marks_nobody(key: str, site: Site) -> None:
    hostile = Simulated(port=site.port, day_key=(site.local().date().isoformat(), key))
    async with hostile.serving(_tls(site)), site.gate("north-1") as one:
        await until(lambda: _is(one, "silent"))
        assert await one.key() == b""


@pytest.mark.parametrize("fault", [one for one in Fault if one is not Fault.NONE], ids=lambda fault: fault.value)
async def test_an_exchange_that_breaks_after_it_gave_the_key_is_not_known_in_time(fault: Fault, site: Site) -> None:
    broken = Simulated(port=site.port, day_key=(site.local().date().isoformat(), KEY))
    async with broken.serving(_tls(site)), site.gate("north-1") as one, asyncio.timeout(20):
        mark = mark_of(await one.until_key(), CHIP)
        broken.fault = fault
        found = await one.asks(mark, deadline_ms=1000)
        assert unknown(found) in {RegisterCause.NO_ANSWER, RegisterCause.WRONG_ANSWER}
        broken.fault = Fault.NONE
        assert (await one.asks(mark)).answer is RegisterAnswer.NONE


def _tls(site: Site) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site.folder / "exchange" / "exchange.pem")
    return context


WATCHED = """
import sys
def watch(event, args):
    if event == "open":
        path, mode, flags = args
        if flags & 0o3 or flags & 0o100 or (isinstance(mode, str) and set(mode) & set("wax+")):
            sys.stderr.write(f"WROTE {path}\\n")
    elif event in {"socket.connect", "subprocess.Popen", "os.exec", "os.posix_spawn", "sqlite3.connect", "os.mkdir", "os.rename", "os.remove"}:
        sys.stderr.write(f"DID {event} {args}\\n")
sys.addaudithook(watch)
sys.argv = ["gate", "exchange", "serve", "--config", sys.argv[1]]
from gate_core.command_line.main import main
main()
"""


@pytest.fixture
def process(site: Site) -> Iterator[subprocess.Popen[str]]:
    with as_command(site, site.exchange_config, {}) as running:
        yield running


@contextlib.contextmanager
def as_command(site: Site, config: ExchangeConfig, more: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The exchange as its command, that says what it writes and whom it calls."""
    path = site.folder / "exchange.toml"
    path.write_text(tomli_w.dumps(msgspec.to_builtins(config)))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")} | more
    running = subprocess.Popen(
        [sys.executable, "-B", "-c", WATCHED, str(path)], stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert running.stderr is not None
        while "gates ask https://" not in (line := running.stderr.readline()):
            assert line, "it ended"
        yield running
    finally:
        running.kill()
        running.communicate()


def test_it_leaves_no_core(process: subprocess.Popen[str]) -> None:
    limits = Path(f"/proc/{process.pid}/limits").read_text().splitlines()
    (core,) = (line.split() for line in limits if line.startswith("Max core file size"))
    assert core[4:6] == ["0", "0"]


async def test_it_writes_nothing_and_calls_nobody(site: Site, process: subprocess.Popen[str]) -> None:
    async with site.gate("north-1") as one, site.gate("north-2") as two:
        assert unknown(await one.reads(CHIP)) is RegisterCause.NO_ANSWER
        assert (await two.reads(CHIP)).answer is RegisterAnswer.HIT
        before = sorted(site.folder.rglob("*"))
        process.terminate()
        _, said = process.communicate(timeout=20)
        assert process.returncode == 0
        assert sorted(site.folder.rglob("*")) == before
    assert "WROTE" not in said
    assert "DID" not in said
    assert mark_of(b"", CHIP)[16:24] not in said


@pytest.mark.skipif(LIBRARY is None, reason="no libfaketime here")
async def test_its_day_is_the_site_s_and_its_minutes_are_of_a_clock_that_nobody_sets(site: Site) -> None:
    ahead_h = 12 - clock.now().hour  # it is noon there, whatever the hour is here
    zone = f"Etc/GMT{-ahead_h:+d}"  # whose signs are the other way round
    wall = SetClock(site.folder / "clock")
    config = msgspec.structs.replace(site.exchange_config, time_zone=zone)
    with as_command(site, config, wall.environment):
        async with client_of(site, "north-1") as one, client_of(site, "north-2") as two:

            async def key() -> bytes:
                said = (await one.post("/reuse/key", content=b"{}")).json()
                assert said["day"] == f"{(clock.now() + wall.ahead).astimezone(ZoneInfo(zone)):%F}"
                return bytes.fromhex(said["key"])

            async def asked(client: httpx2.AsyncClient) -> dict[str, str]:
                answer = await client.post("/reuse/mark", json={"mark": mark_of(await key(), CHIP), "minutes": 30})
                said: dict[str, str] = answer.json()
                return said

            assert (await asked(one))["answer"] == "unsure"
            noon = await key()
            for by in (timedelta(hours=3), timedelta(hours=-7)):
                wall.set(by)
                hit = await asked(two)
                assert (hit["answer"], hit["gate"], hit["at"][:2] in {"12", "13"}) == ("hit", "north-1", True)
            assert await key() == noon, "the same day"
            wall.set(timedelta(hours=18))
            assert await key() != noon
            assert (await asked(two))["answer"] == "unsure", "nobody knows what was told to the day before"


@pytest.mark.long
@pytest.mark.skipif(LIBRARY is None or os.geteuid() != 0, reason="no libfaketime here, or no right to read memory")
async def test_with_the_day_the_key_and_every_mark_go_from_its_memory(site: Site) -> None:
    wall = SetClock(site.folder / "clock")
    with as_command(site, site.exchange_config, wall.environment | ERASING) as running:
        async with client_of(site, "north-1") as one:
            key = bytes.fromhex((await one.post("/reuse/key", content=b"{}")).json()["key"])
            marks = [mark_of(key, hashlib.sha256(b"%d" % number).digest()) for number in range(8)]
            for mark in marks:
                assert (await one.post("/reuse/mark", json={"mark": mark, "minutes": 60})).status_code == 200
        values = {"the key": key, "the key's digits": key.hex().encode()}
        values |= {f"mark {number}": bytes.fromhex(mark)[8:] for number, mark in enumerate(marks)}
        values |= {f"the digits of mark {number}": mark[16:].encode() for number, mark in enumerate(marks)}
        held = {"the key", *(f"mark {number}" for number in range(8))}
        assert held <= remains.in_memory(running.pid, values).keys(), "the search finds what there is"
        wall.set(timedelta(days=1))

        async def is_clean() -> bool:
            return remains.in_memory(running.pid, values) == {}

        await until(is_clean)


async def test_an_exchange_that_is_killed_with_a_question_in_its_hands_refers(
    site: Site, process: subprocess.Popen[str]
) -> None:
    async with site.gate("north-1") as one:
        mark = mark_of(await one.until_key(), CHIP)
        process.send_signal(signal.SIGSTOP)
        asking = asyncio.ensure_future(one.asks(mark, deadline_ms=5000))
        await asyncio.sleep(0.3)
        assert not asking.done()
        process.kill()
        async with asyncio.timeout(4):
            assert unknown(await asking) is RegisterCause.NO_ANSWER


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file"), ("no certificate", "not one certificate"), ("same", "is the certificate of north-1, too")],
)
async def test_a_gate_s_certificate_that_is_none_is_refused_at_the_start(
    content: str | None, why: str, site: Site
) -> None:
    path = site.folder / "north-2" / "north-2.crt"
    path.unlink()
    if content is not None:
        path.write_text((site.folder / "north-1" / "north-1.crt").read_text() if content == "same" else content)
    with pytest.raises(ConfigError, match=why):
        await run_exchange(site.exchange_config, stop=asyncio.Event(), on_listening=lambda: None)


@pytest.mark.parametrize(
    ("what", "mode", "why"),
    [
        ("nothing", 0o600, "No such file"),
        ("no key", 0o600, "holds no certificate"),
        ("its certificate", 0o600, "not a key and its certificate"),
        ("its key", 0o640, "can be read by others"),
    ],
)
async def test_a_key_of_its_own_that_is_none_or_no_secret_is_named(what: str, mode: int, why: str, site: Site) -> None:
    path = site.folder / "exchange" / "exchange.pem"
    if what == "nothing":
        path.unlink()
    else:
        texts = {"its key": path.read_text(), "its certificate": path.with_suffix(".crt").read_text()}
        path.write_text(texts.get(what, what))
        path.chmod(mode)
    with pytest.raises(ConfigError, match=f"identity.*exchange.pem.*{why}"):
        await run_exchange(site.exchange_config, stop=asyncio.Event(), on_listening=lambda: None)
