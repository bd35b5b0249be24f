"""The gate's end of the console connection under attack: strangers, other consoles' certificates, and consoles that are hostile or slow."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from fakes.console_gates import Console, ConsoleGate, console_gate, tls, until
from fakes.screens_peers import view

from gate.channel.order_messages import Waiting
from gate.programs.screens.console_api import HEAD_BYTES_MAX, LIMITS, REQUEST_RATE
from gate_core.console_link import ORDER_BYTES_MAX, Answer, Challenge
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Screen

QUICK = replace(LIMITS, handshake_s=0.5, first_s=0.4, idle_s=0.6, read_s=0.3, goodbye_s=0.2)
ELSEWHERE = "127.0.0.2"  # another address of this machine
DEADLINE_S = 8.0


class Line:
    """A connection that says what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, text: bytes) -> None:
        with contextlib.suppress(OSError):
            self.writer.write(text)
            await self.writer.drain()

    async def rest(self) -> bytes:
        """Everything until it is hung up on. Raises TimeoutError when it is not."""
        heard = b""
        async with asyncio.timeout(DEADLINE_S):
            with contextlib.suppress(OSError):
                while piece := await self.reader.read(65536):
                    heard += piece
        return heard


@contextlib.asynccontextmanager
async def line(gate: ConsoleGate, context: ssl.SSLContext | None, *, host: str = "gate.example") -> AsyncIterator[Line]:
    name = None if context is None else host
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", gate.port, ssl=context, server_hostname=name, limit=1 << 20
    )
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


def made_certificate(
    path: Path,
    *,
    name: str = "console-9",
    days: tuple[int, int] = (-1, 1),
    authority: bool = False,
    by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None,
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Key and certificate in a file, as somebody else than our own commands would make them."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signing_key = (subject, key) if by is None else (by[0].subject, by[1])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(signing_key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    return certificate, key


def certificates(folder: Path, *consoles: bytes) -> Path:
    path = folder / "consoles.pem"
    path.write_bytes(b"".join(consoles))
    return path


LOOK = b"GET /look HTTP/1.1\r\nhost: x\r\n\r\n"


# ── who gets in ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def asked(gate: ConsoleGate, identity: Path | None) -> bytes:
    """What somebody hears who shows this certificate and asks for a challenge; nothing when they are not let in."""
    heard = b""
    with contextlib.suppress(OSError, TimeoutError):
        async with line(gate, tls(identity)) as one, asyncio.timeout(1.0):
            await one.say(LOOK)
            while b"}" not in heard and (piece := await one.reader.read(65536)):
                heard += piece
    return heard


async def test_only_the_certificates_of_the_file_get_in_each_for_itself(tmp_path: Path) -> None:
    """A certificate of the file vouches for no other, whatever it says of itself; one that is over, or has not begun, gets nobody in."""
    ours = Console(tmp_path)
    root = made_certificate(tmp_path / "root.pem", name="root", authority=True)
    made_certificate(tmp_path / "issued.pem", by=root)
    over, _ = made_certificate(tmp_path / "over.pem", days=(-3, -1))
    later, _ = made_certificate(tmp_path / "later.pem", days=(2, 3))
    dated, _ = made_certificate(tmp_path / "dated.pem")
    Console(tmp_path, "stranger")
    known = [one.public_bytes(Encoding.PEM) for one in (root[0], over, later, dated)]
    file = certificates(tmp_path, ours.certificate.read_bytes(), *known)
    async with console_gate(tmp_path, file) as gate:
        for name in ("console-1", "root", "dated"):
            assert b'"nonce"' in await asked(gate, tmp_path / f"{name}.pem"), name
        for name in ("stranger", "issued", "over", "later"):
            assert await asked(gate, tmp_path / f"{name}.pem") == b"", name
        assert await asked(gate, None) == b""
        assert gate.desk.looks == 3


async def test_a_console_that_is_not_let_in_is_told_why(tmp_path: Path) -> None:
    """It is not known, or its dates do not hold by this gate's clock."""
    ours, stranger = Console(tmp_path), Console(tmp_path, "stranger")
    over, _ = made_certificate(tmp_path / "over.pem", days=(-3, -1))
    file = certificates(tmp_path, ours.certificate.read_bytes(), over.public_bytes(Encoding.PEM))
    expired = Console(tmp_path, "expired")
    expired.identity = tmp_path / "over.pem"
    async with console_gate(tmp_path, file) as gate:
        for console in (stranger, expired):
            async with console.watching("north-7", gate.entry) as watched:
                await until(lambda: watched.trouble not in {"", "is not reached yet"})
                assert "it may not know this console's certificate" in watched.trouble
                assert not watched.up
        assert gate.desk.orders == []


async def test_a_stolen_certificate_without_its_key_gets_nobody_in(tmp_path: Path) -> None:
    ours, thief = Console(tmp_path), Console(tmp_path, "thief")
    forged = tmp_path / "forged.pem"
    key, _, _ = thief.identity.read_text().partition("-----BEGIN CERTIFICATE")
    forged.write_text(key + ours.certificate.read_text())
    with pytest.raises(ssl.SSLError):
        tls(forged)  # nor does OpenSSL take the pair at this end


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /look HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\xff\xff" + b"\x00" * 200,
        b"\x16\x03",
        bytes(range(256)) * 40,
    ],
    ids=["nothing", "HTTP without TLS", "a handshake of zeros", "the beginning of one", "every byte"],
)
async def test_who_brings_no_tls_is_hung_up_on_and_hears_nothing_of_the_gate(tmp_path: Path, said: bytes) -> None:
    ours = Console(tmp_path)
    async with console_gate(tmp_path, ours.certificate, limits=QUICK) as gate, line(gate, None) as one:
        await one.say(said)
        heard = await one.rest()
        assert b"north-7" not in heard
        assert len(heard) < 100
        assert b'"nonce"' in await asked(gate, ours.identity)


async def test_neither_the_name_in_the_handshake_nor_the_host_header_makes_a_difference(tmp_path: Path) -> None:
    """No browser has a console's key, so there is nobody whom a name could lead here."""
    ours = Console(tmp_path)
    async with console_gate(tmp_path, ours.certificate) as gate:
        for host in ("gate.example", "evil.example"):
            async with line(gate, ours.tls(), host=host) as one:
                await one.say(b"GET /look HTTP/1.1\r\nhost: %s\r\n\r\n" % host.encode())
                assert b"200 OK" in await one.reader.readuntil(b"}")


async def test_tls_before_1_3_is_not_spoken(tmp_path: Path) -> None:
    ours = Console(tmp_path)
    old = ours.tls()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with console_gate(tmp_path, ours.certificate) as gate:
        with pytest.raises(OSError, match=r"PROTOCOL_VERSION|reset|^$"):
            async with line(gate, old):
                pass


# ── what a known console can do ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"\x00" * 100 + b"\r\n\r\n", b"400"),
        (b"GET /look HTTP/1.1\r\nhost: x\r\nx: " + b"a" * HEAD_BYTES_MAX, b"400"),
        (
            b"POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n" + b"a" * (ORDER_BYTES_MAX + 1),
            b"413",
        ),
        (
            b"POST /orders HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4000\r\n" + b"a" * 0x4000,
            b"413",
        ),
    ],
    ids=["garbage", "a huge head", "a huge body", "a body without end"],
)
async def test_what_is_no_request_is_answered_and_hung_up_on(tmp_path: Path, said: bytes, status: bytes) -> None:
    ours = Console(tmp_path)
    async with console_gate(tmp_path, ours.certificate, limits=QUICK) as gate, line(gate, ours.tls()) as one:
        await one.say(said)
        assert (await one.rest()).split(b" ")[1] == status
        assert gate.desk.orders == []


@pytest.mark.parametrize("begun", [b"", b"GET /look HTTP/1.1\r\n"], ids=["nothing", "a line now and then"])
async def test_a_head_that_never_ends_is_waited_for_no_longer_than_first_s(tmp_path: Path, begun: bytes) -> None:
    ours = Console(tmp_path)
    async with console_gate(tmp_path, ours.certificate, limits=QUICK) as gate, line(gate, ours.tls()) as one:
        await one.say(begun)

        async def trickle() -> None:
            while begun:
                await asyncio.sleep(0.05)
                await one.say(b"x: y\r\n")

        trickling = asyncio.ensure_future(trickle())
        assert await one.rest() == b""
        trickling.cancel()


@pytest.mark.long
async def test_an_order_that_trickles_in_is_no_order(tmp_path: Path) -> None:
    ours = Console(tmp_path)
    async with console_gate(tmp_path, ours.certificate) as gate, line(gate, ours.tls()) as one:
        await one.say(b"POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: 4000\r\n\r\n")

        async def trickle() -> None:
            while True:
                await asyncio.sleep(0.2)
                await one.say(b"a")

        trickling = asyncio.ensure_future(trickle())
        heard = await one.rest()
        trickling.cancel()
        assert heard.split(b" ")[1] == b"408"
        assert gate.desk.orders == []


async def test_other_routes_and_methods_are_not_there(tmp_path: Path) -> None:
    ours = Console(tmp_path)
    async with (
        console_gate(tmp_path, ours.certificate) as gate,
        httpx2.AsyncClient(verify=ours.tls(), base_url=f"https://{gate.entry.address}") as client,
    ):
        found = [
            (await client.request(*asked)).status_code
            for asked in (("GET", "/"), ("POST", "/look"), ("PUT", "/orders"), ("GET", "/metrics"))
        ]
    assert found == [404, 405, 405, 404]


async def test_a_console_that_never_reads_is_shown_out_and_another_hears_everything(tmp_path: Path) -> None:
    ours, other = Console(tmp_path), Console(tmp_path, "console-2")
    file = certificates(tmp_path, ours.certificate.read_bytes(), other.certificate.read_bytes())
    async with (
        console_gate(tmp_path, file, limits=QUICK) as gate,
        other.watching("north-7", gate.entry) as watched,
        line(gate, ours.tls()) as deaf,
    ):
        end = deaf.writer.get_extra_info("socket")
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.reader._transport.pause_reading()  # type: ignore[attr-defined]
        await deaf.say(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: watched.up)
        reasons = [Objection(Reason.FACE_BELOW_THRESHOLD, "x" * 500) for _ in range(60)]
        for number in range(100):
            gate.desk.shows |= {"version": number, "referred": [Waiting(f"c{number}", reasons)]}
            await gate.lane.show(view(Screen.OFFICER, referred=f"c{number}"))
            await until(lambda: watched.snapshot and watched.snapshot.version == number)  # noqa: B023 - awaited here
            if gate.streams() == 1:
                break
        assert gate.streams() == 1
        assert number > 1


async def test_a_console_that_asks_without_end_waits_and_another_does_not(tmp_path: Path) -> None:
    """Requests of one console have a rate; what is over it waits, and reaches no lane."""
    ours, other = Console(tmp_path), Console(tmp_path, "console-2")
    file = certificates(tmp_path, ours.certificate.read_bytes(), other.certificate.read_bytes())
    async with (
        console_gate(tmp_path, file) as gate,
        contextlib.AsyncExitStack() as lines,
        other.watching("north-7", gate.entry) as watched,
    ):
        await until(lambda: watched.up)
        greedy = [await lines.enter_async_context(line(gate, ours.tls())) for _ in range(6)]
        for one in greedy:
            await one.say(LOOK * 50)
        before, loop = gate.desk.looks, asyncio.get_running_loop()
        began_s = loop.time()
        for _ in range(3):
            assert isinstance(await watched.look(), Challenge)
            assert isinstance(await watched.order(b"an order"), Answer)
        took_s = loop.time() - began_s
        looked = gate.desk.looks - before - 3
        assert looked <= REQUEST_RATE.burst + (REQUEST_RATE.a_second + 8) * took_s + 2, (
            "its own rate, and the lane's looks for the streams"
        )


async def test_an_order_that_takes_long_holds_up_nobody(tmp_path: Path) -> None:
    ours = Console(tmp_path)
    async with console_gate(tmp_path, ours.certificate) as gate, ours.watching("north-7", gate.entry) as watched:
        await until(lambda: watched.up)
        gate.desk.slow.clear()
        slow = asyncio.ensure_future(watched.order(b"admit"))
        await until(lambda: gate.desk.orders == [b"admit"])
        assert isinstance(await watched.look(), Challenge)
        quick = asyncio.ensure_future(watched.order(b"release"))
        await until(lambda: gate.desk.orders == [b"admit", b"release"])
        gate.desk.slow.set()
        assert [isinstance(await one, Answer) for one in (slow, quick)] == [True, True]


async def test_a_crowd_from_elsewhere_costs_neither_a_console_nor_the_page_anything(tmp_path: Path) -> None:
    """Hundreds of connections that begin no handshake, and as many that begin one, all from one other address."""
    ours = Console(tmp_path)
    async with (
        console_gate(tmp_path, ours.certificate) as gate,
        httpx2.AsyncClient() as page,
        contextlib.AsyncExitStack() as crowd,
    ):
        ends = []
        for number in range(500):
            end = crowd.enter_context(socket.socket())
            end.bind((ELSEWHERE, 0))
            end.setblocking(False)
            with contextlib.suppress(OSError):
                await asyncio.get_running_loop().sock_connect(end, ("127.0.0.1", gate.port))
                if number % 2:
                    end.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            if number % 100 == 50:
                assert (await page.get(f"http://127.0.0.1:{gate.config.screens.port}/healthz")).status_code == 200
            ends.append(end)
        assert b'"nonce"' in await asked(gate, ours.identity)
        async with ours.watching("north-7", gate.entry) as watched:
            await until(lambda: watched.up)
        assert sum(map(was_hung_up_on, ends)) > 350, "but for a few handshakes"


def was_hung_up_on(end: socket.socket) -> bool:
    try:
        return end.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


# ── what stays inside ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_nothing_is_asked_of_the_lane_while_no_console_watches(tmp_path: Path) -> None:
    ours = Console(tmp_path)
    async with console_gate(tmp_path, ours.certificate) as gate:
        await gate.lane.show(view(Screen.GO))
        await asyncio.sleep(0.7)
        assert gate.desk.looks == 0
        async with ours.watching("north-7", gate.entry) as watched:
            await until(lambda: watched.up)
        await until(lambda: gate.streams() == 0)
        await asyncio.sleep(0.2)  # one look may be under way
        before = gate.desk.looks
        await gate.lane.show(view(Screen.WELCOME))
        await asyncio.sleep(0.7)
        assert gate.desk.looks == before


async def test_the_reasons_of_a_referral_reach_the_console_and_not_the_page(tmp_path: Path) -> None:
    ours = Console(tmp_path)
    async with console_gate(tmp_path, ours.certificate) as gate, ours.watching("north-7", gate.entry) as watched:
        secret = (gate.config.runtime("screens") / "kiosk" / "secret").read_text()
        port = gate.config.screens.port
        async with (
            httpx2.AsyncClient(timeout=DEADLINE_S, headers={"Cookie": f"kiosk-{port}={secret}"}) as page,
            page.stream("GET", f"http://127.0.0.1:{port}/events") as states,
        ):
            await gate.refer("crossing-1", Reason.FACE_BELOW_THRESHOLD)
            await until(lambda: watched.snapshot and watched.snapshot.waiting)
            heard, texts = "", states.aiter_text()
            while '"officer"' not in heard:
                heard += await anext(texts)
            await gate.lane.show(view(Screen.WELCOME))
            while '"welcome"' not in heard.partition('"officer"')[2]:
                heard += await anext(texts)
    assert not any(word in heard for word in ("face_below", "crossing-1", "version", "nonce"))


async def test_a_lane_that_hangs_is_told_as_one_that_does_not_answer(tmp_path: Path) -> None:
    ours = Console(tmp_path)
    async with console_gate(tmp_path, ours.certificate) as gate, ours.watching("north-7", gate.entry) as watched:
        await gate.refer("c1", Reason.FACE_BELOW_THRESHOLD)
        await until(lambda: watched.snapshot and watched.snapshot.waiting)
        gate.desk.mute = True
        await until(lambda: watched.snapshot and watched.snapshot.state is None)
        assert watched.snapshot is not None
        assert (watched.snapshot.in_service, watched.snapshot.waiting, watched.snapshot.version) == (False, [], None)
        assert watched.up, "the gate's screens are there, and say so"
        answer = await watched.look()
        assert "does not answer" in getattr(answer, "problem", "")


async def test_files_that_are_wrong_are_said_and_tried_again_while_the_page_is_served(tmp_path: Path) -> None:
    ours = Console(tmp_path)
    file = tmp_path / "consoles.pem"
    file.write_text("no certificate")
    async with console_gate(tmp_path, file, listens=False) as gate:
        await until(lambda: "holds no certificates" in str(gate.detail()["problem"]))
        async with httpx2.AsyncClient() as page:
            assert (await page.get(f"http://127.0.0.1:{gate.config.screens.port}/healthz")).status_code == 200
        file.write_text(ours.certificate.read_text())
        async with ours.watching("north-7", gate.entry) as watched:
            await until(lambda: watched.up)
        assert gate.detail()["problem"] is None
        assert gate.detail()["key"] == gate.entry.key
